//! What a call answers when it can't do what it was asked, and the words for it.

use crate::claim::{IsolateId, Refusal};
use crate::multi::Refused;
use crate::sys;
use std::cell::RefCell;
use std::os::raw::c_uint;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub status: i32,
    pub text: String,
}

pub type Result<T> = std::result::Result<T, Error>;

/// libcurl's codes are positive; these say which class the text belongs to.
const STATE: i32 = -1;
const TYPE: i32 = -2;
const RANGE: i32 = -3;
const PANIC: i32 = -4;

impl Error {
    /// The object is not in a state that allows the call.
    pub fn state(text: impl Into<String>) -> Self {
        Self {
            status: STATE,
            text: text.into(),
        }
    }

    pub fn argument(text: impl Into<String>) -> Self {
        Self {
            status: TYPE,
            text: text.into(),
        }
    }

    pub fn range(text: impl Into<String>) -> Self {
        Self {
            status: RANGE,
            text: text.into(),
        }
    }

    pub fn panic(text: impl Into<String>) -> Self {
        Self {
            status: PANIC,
            text: text.into(),
        }
    }

    pub fn no_curl(method: &str) -> Self {
        Self::state(format!("cannot invoke {method}() - no curl handle"))
    }

    pub fn no_share(method: &str) -> Self {
        Self::state(format!("cannot invoke {method}() - no share handle"))
    }

    pub fn no_mime(method: &str) -> Self {
        Self::state(format!("cannot invoke {method}() - no mime handle"))
    }

    pub fn running(method: &str) -> Self {
        Self::state(format!(
            "cannot invoke {method}() - perform() is currently running"
        ))
    }

    pub fn running_outside_write(method: &str) -> Self {
        Self::state(format!(
            "cannot invoke {method}() - perform() is currently running outside \
             WRITEFUNCTION callback"
        ))
    }

    pub fn running_elsewhere(method: &str) -> Self {
        Self::state(format!(
            "cannot invoke {method}() - perform() is currently running on another thread"
        ))
    }

    pub fn in_multi(method: &str) -> Self {
        Self::state(format!(
            "cannot invoke {method}() - the Curl object is in a CurlMulti; remove it first"
        ))
    }

    /// What a refused call on a multi handle means to the caller of `method`.
    pub fn multi_refused(method: &str, refused: Refused) -> Self {
        let why = match refused {
            Refused::Closed => "no multi handle",
            Refused::Running => "multi_perform() is currently running",
            Refused::Elsewhere => "the handles in it are another Worker's",
        };
        Self::state(format!("cannot invoke {method}() - {why}"))
    }

    /// The same for addHandle and removeHandle.
    pub fn adding(refused: Refused) -> Self {
        Self::not_added(match refused {
            Refused::Closed => "multi-stack is closed",
            Refused::Running => "multi_perform() already running",
            Refused::Elsewhere => "the handles in the multi-stack are another Worker's",
        })
    }

    fn not_added(why: &str) -> Self {
        Self::state(format!("cannot add/remove handle - {why}"))
    }

    pub fn adding_performing() -> Self {
        Self::not_added("perform() of curl object already running")
    }

    pub fn adding_from_another() -> Self {
        Self::not_added("curl object already on another multi-stack")
    }

    pub fn adding_closed() -> Self {
        Self::state("curl object already closed")
    }

    pub fn on_multi() -> Self {
        Self::state("curl object already on this multi-stack")
    }

    pub fn not_on_multi() -> Self {
        Self::state("curl object not on this multi-stack")
    }

    pub fn share_closed() -> Self {
        Self::state("CurlShare is closed")
    }

    pub fn share_closing() -> Self {
        Self::state("CurlShare is closing: closeAsync() waits for its transfers")
    }

    pub fn share_in_use(count: usize) -> Self {
        Self::state(format!(
            "cannot close CurlShare: still in use by {count} active Curl object(s)"
        ))
    }

    pub fn share_attached(count: usize) -> Self {
        Self::state(format!(
            "cannot close CurlShare: still in use by {count} Curl object(s), \
             and detachOnClose is false"
        ))
    }

    pub fn share_holds_connection() -> Self {
        Self::state(
            "cannot close CurlShare: an attached Curl object holds a connection \
             (CONNECT_ONLY); close that Curl first",
        )
    }

    pub fn already_sharing() -> Self {
        Self::state("Curl object already sharing. Unshare first.")
    }

    pub fn holds_connection() -> Self {
        Self::state(
            "cannot invoke setopt() - SHARE can't change while the Curl object \
             holds a connection (CONNECT_ONLY)",
        )
    }

    pub fn own_turn(method: &str) -> Self {
        Self::state(format!(
            "cannot invoke {method}() - a callback of a transfer on the same share is \
             running, and the share waits for its answer; this transfer, unlike an \
             asynchronous one, would wait for itself"
        ))
    }

    pub fn keeps_connection() -> Self {
        Self::state(
            "cannot invoke perform() - CONNECT_ONLY leaves the connection to the \
             program, which takes performSync()",
        )
    }

    pub fn foreign_callback(method: &str, option: &str) -> Self {
        Self::state(format!(
            "cannot invoke {method}() - {option} was set in another Worker, or by a \
             Curl object that is gone; set it again where the transfer runs, or unset it"
        ))
    }

    pub fn no_sessions(method: &str) -> Self {
        Self::state(format!(
            "cannot invoke {method}() - between transfers, TLS sessions are kept by a \
             CurlShare of LOCK_DATA_SSL_SESSION, which the Curl object has to use"
        ))
    }

    pub fn source_in_use() -> Self {
        Self::state(
            "cannot invoke perform() - a data callback or Blob of its CurlMime is in use \
             by a transfer of a copy (duphandle)",
        )
    }

    pub fn easy(code: c_uint, detail: &str) -> Self {
        let text = if detail.is_empty() {
            sys::strerror::easy(code)
        } else {
            detail.to_owned()
        };
        Self {
            status: code as i32,
            text,
        }
    }

    /// A multi handle's code, which is above 0 wherever a call can fail.
    pub fn multi(code: i32, what: &str) -> Self {
        Self {
            status: code,
            text: format!("{what}: {}", sys::strerror::multi(code)),
        }
    }

    pub fn share(code: c_uint) -> Self {
        Self {
            status: code as i32,
            text: sys::strerror::share(code),
        }
    }

    pub fn url(code: c_uint) -> Self {
        Self {
            status: code as i32,
            text: sys::strerror::url(code),
        }
    }

    /// libcurl has no words for these.
    pub fn header(code: c_uint) -> Self {
        Self {
            status: code as i32,
            text: format!("libcurl can't look headers up: code {code}"),
        }
    }

    /// The same, with the value that caused it.
    pub fn about(mut self, value: &str) -> Self {
        self.text = format!("{} ({value})", self.text);
        self
    }

    /// What a refused claim means to the caller of `method`.
    pub fn refused(method: &str, refusal: Refusal) -> Self {
        match refusal {
            Refusal::Running { .. } => Self::running(method),
            Refusal::Closed => Self::no_curl(method),
        }
    }

    /// The same for calls that may be made inside the handle's own callbacks.
    pub fn refused_outside(method: &str, refusal: Refusal, me: IsolateId) -> Self {
        match refusal {
            Refusal::Running { by } if by != me => Self::running_elsewhere(method),
            other => Self::refused(method, other),
        }
    }
}

thread_local! {
    static LAST: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// Keeps the text for the isolate on this thread until its next failure.
pub fn keep(error: Error) -> i32 {
    let status = error.status;
    LAST.with_borrow_mut(|last| *last = Some(error));
    status
}

pub fn with_last<R>(read: impl FnOnce(&str) -> R) -> R {
    LAST.with_borrow(|last| read(last.as_ref().map_or("", |error| &error.text)))
}
