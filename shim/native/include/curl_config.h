/* Empty: shim/build/defines.rs has what a configure step would write here. On
   Windows curl takes settings of its own, for older compilers, without it. */
