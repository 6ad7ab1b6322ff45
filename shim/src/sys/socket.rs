//! Sockets as JavaScript knows them.

use super::bindings::curl_socket_t;

/// JavaScript's number; less than 0 for none. On Windows sockets are handles,
/// whose upper halves are nothing but copies of the sign.
#[allow(clippy::unnecessary_cast, reason = "it is one on Windows only")]
pub fn number(socket: curl_socket_t) -> i32 {
    socket as i32
}

pub fn numbered(number: i32) -> curl_socket_t {
    number as curl_socket_t
}
