//! The callback options that the shim names.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u8);

impl Slot {
    pub const WRITE: Self = Self(1);
    pub const HEADER: Self = Self(2);
    pub const READ: Self = Self(3);
    pub const XFERINFO: Self = Self(5);
    pub const PROGRESS: Self = Self(6);
    pub const DEBUG: Self = Self(7);
    pub const CLOSESOCKET: Self = Self(10);
    pub const HSTSWRITE: Self = Self(20);

    pub const COUNT: usize = 22;

    pub fn all() -> impl Iterator<Item = Self> {
        (1..=Self::COUNT as u8).map(Self)
    }

    pub fn new(number: u8) -> Option<Self> {
        (1..=Self::COUNT as u8)
            .contains(&number)
            .then_some(Self(number))
    }

    pub fn number(self) -> u8 {
        self.0
    }

    pub fn answer_is_ignored(self) -> bool {
        self == Self::DEBUG || self == Self::CLOSESOCKET || self == Self::HSTSWRITE
    }

    pub fn index(self) -> usize {
        usize::from(self.0) - 1
    }
}

pub fn close_socket(_: i32) -> i32 {
    0
}
