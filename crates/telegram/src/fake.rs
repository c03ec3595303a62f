//! A Bot API that misbehaves on demand, on a real socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;

use crate::client::Bot;

pub(crate) const TOKEN: &str = "7000000001:AAE-secret_token_0123456789";

/// What the server does with the next request.
pub(crate) enum Reply {
    Json(u16, Value),
    /// This status and these further headers and body, as they are.
    Raw(u16, &'static str),
    /// Closes the connection without reading.
    Refuse,
    /// Reads the request, then closes the connection.
    Cut,
    /// Sends the beginning of an answer, then waits until the client gives up.
    Stall,
}

/// A request as it came.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) body: Value,
}

pub(crate) struct Fake {
    pub(crate) bot: Bot,
    thread: JoinHandle<Vec<Request>>,
}

impl Fake {
    /// A server that plays these replies in order, and a bot that talks to it.
    pub(crate) fn new(replies: Vec<Reply>) -> Self {
        Self::patient(replies, Duration::from_secs(20))
    }

    pub(crate) fn patient(replies: Vec<Reply>, timeout: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let thread = std::thread::spawn(move || serve(&listener, replies));
        Self { bot: bot(&url, timeout), thread }
    }

    /// What was asked, once every reply was given.
    pub(crate) fn requests(self) -> Vec<Request> {
        self.thread.join().expect("the server ran")
    }
}

pub(crate) fn bot(url: &str, timeout: Duration) -> Bot {
    drop(rustls::crypto::ring::default_provider().install_default());
    Bot::with_timeout(url, &SecretString::from(TOKEN), timeout).expect("a bot")
}

fn serve(listener: &TcpListener, replies: Vec<Reply>) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut open: Option<BufReader<TcpStream>> = None;
    for reply in replies {
        if matches!(reply, Reply::Refuse) {
            drop(listener.accept().expect("a connection"));
            continue;
        }
        // The connection of the call before, as a client that keeps them alive does.
        let mut stream = open.take();
        let kept = stream.as_mut().and_then(request);
        let request = kept.unwrap_or_else(|| {
            let mut accepted = BufReader::new(listener.accept().expect("a connection").0);
            let request = request(&mut accepted).expect("a request");
            stream = Some(accepted);
            request
        });
        requests.push(request);
        let mut stream = stream.expect("it was read from");
        match reply {
            Reply::Json(status, body) => {
                let body = body.to_string();
                let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.get_mut().write_all((head + &body).as_bytes()).expect("written");
                open = Some(stream);
            }
            Reply::Raw(status, rest) => {
                let text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{rest}");
                stream.get_mut().write_all(text.as_bytes()).expect("written");
            }
            Reply::Stall => {
                let text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ok\":true,";
                stream.get_mut().write_all(text.as_bytes()).expect("written");
                // Ends when the client closes.
                drop(stream.read(&mut [0; 1]));
            }
            Reply::Cut | Reply::Refuse => {}
        }
    }
    requests
}

/// `None`: the client closed the connection.
fn request(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { path, body: serde_json::from_slice(&body).ok()? })
}
