//! An HTTP server that knows no more than the tests ask for:
//!
//! | path | answer |
//! |---|---|
//! | /N | N bytes, and a cookie |
//! | /close/N | the same, and the connection ends |
//! | /cut/N | half of the N bytes that it says |
//! | /echo | what came |
//! | /ws | a WebSocket on which nothing comes, for a moment |

use super::files::bytes;
use super::tls::TlsStream;
use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Such as http://127.0.0.1:40000/10, in all threads of this process.
pub fn url(path: &str) -> String {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    let address = ADDRESS.get_or_init(|| listen(serve));
    format!("http://{address}/{path}")
}

/// The same with TLS, and with a name to look up.
pub fn tls_url(path: &str) -> String {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    let address = ADDRESS.get_or_init(|| listen(|stream| serve(TlsStream::accept(stream)?)));
    format!("https://localhost:{}/{path}", address.port())
}

pub fn web_socket_url() -> String {
    url("ws").replacen("http", "ws", 1)
}

/// Those of connections that may still be there, if somebody waits for them.
static THREADS: OnceLock<Mutex<Vec<JoinHandle<Result<()>>>>> = OnceLock::new();

/// For whoever looks at what the process leaves: `wait_for_the_end` comes later.
pub fn keep_threads() {
    THREADS.get_or_init(Mutex::default);
}

/// Waits until all have hung up.
pub fn wait_for_the_end() {
    let threads = THREADS.get().expect("they are kept");
    let threads = std::mem::take(&mut *threads.lock().unwrap());
    threads.into_iter().for_each(join);
}

/// Whoever hangs up in the middle is nobody's business.
fn join(thread: JoinHandle<Result<()>>) {
    let _ = thread.join().expect("a connection's thread panicked");
}

fn listen(serve: fn(TcpStream) -> Result<()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its number");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let thread = thread::spawn(move || {
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                stream.set_nodelay(true)?;
                serve(stream)
            });
            if let Some(threads) = THREADS.get() {
                let mut threads = threads.lock().unwrap();
                threads.extract_if(.., |it| it.is_finished()).for_each(join);
                threads.push(thread);
            }
        }
    });
    address
}

fn serve(stream: impl Read + Write) -> Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read_request(&mut stream)? {
        if !answer(stream.get_mut(), &request)? {
            break;
        }
    }
    Ok(())
}

struct Request {
    path: String,
    is_head: bool,
    body: Vec<u8>,
}

/// One whose body has been read as well. `None`: no more to come.
fn read_request(stream: &mut BufReader<impl Read + Write>) -> Result<Option<Request>> {
    let mut first = String::new();
    if stream.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    let mut is_chunked = false;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        is_chunked |= line.starts_with("transfer-encoding:");
        if line.starts_with("expect:") {
            stream
                .get_mut()
                .write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
    }
    let mut body = Vec::new();
    stream.take(length).read_to_end(&mut body)?;
    while is_chunked {
        let mut size = String::new();
        stream.read_line(&mut size)?;
        let size = u64::from_str_radix(size.trim(), 16).unwrap_or(0);
        stream.take(size).read_to_end(&mut body)?;
        stream.read_line(&mut String::new())?;
        is_chunked = size > 0;
    }
    let mut words = first.split(' ');
    let is_head = words.next() == Some("HEAD");
    let path = words.next().unwrap_or_default().to_owned();
    Ok(Some(Request {
        path,
        is_head,
        body,
    }))
}

/// Whether the connection goes on.
fn answer(stream: &mut (impl Read + Write), request: &Request) -> Result<bool> {
    let path = request.path.trim_start_matches('/');
    if path == "ws" {
        let upgrade = "HTTP/1.1 101 Go on\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
        stream.write_all(upgrade.as_bytes())?;
        thread::sleep(Duration::from_millis(100));
        return Ok(false);
    }
    let (kind, number) = path.split_once('/').unwrap_or(("", path));
    let length = number.parse().unwrap_or(0);
    let (length, body) = match (kind, number) {
        (_, "echo") => (request.body.len(), request.body.clone()),
        ("cut", _) => (length, bytes(length / 2)),
        _ => (length, bytes(length)),
    };
    let goes_on = kind.is_empty();
    let connection = if goes_on { "keep-alive" } else { "close" };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: {connection}\r\n\
         Set-Cookie: c{length}=1; Max-Age=60\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if !request.is_head {
        stream.write_all(&body)?;
    }
    Ok(goes_on)
}
