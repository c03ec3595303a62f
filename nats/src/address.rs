//! What `nats.url` says: where the servers are, and as whom to speak.
//!
//! async-nats 0.51 ignores a user or a token inside a URL, and prints URLs in its debug log. So they
//! are taken out here: nothing secret is left in what the client is given as an address.

use async_nats::ServerAddr;
use secrecy::{ExposeSecret, SecretString};

use crate::SettingsError;

const REMEDY: &str = "write it as nats://host:4222 or tls://user:password@host:4222, several with commas";

/// Servers without credentials, and the credentials.
#[derive(Debug)]
pub(crate) struct Address {
    pub(crate) servers: Vec<ServerAddr>,
    pub(crate) login: Option<Login>,
}

/// As whom to connect.
#[derive(Debug)]
pub(crate) enum Login {
    Token(SecretString),
    User(String, SecretString),
}

impl Address {
    pub(crate) fn parse(url: &SecretString) -> Result<Self, SettingsError> {
        let wrong = |problem: String| SettingsError { key: "url", problem, remedy: REMEDY };
        let mut servers = Vec::new();
        let mut login = None;
        for part in url.expose_secret().split(',').map(str::trim).filter(|part| !part.is_empty()) {
            // The parser's errors name the rule that is broken, never the text.
            let server: ServerAddr =
                part.parse().map_err(|error: std::io::Error| wrong(error.to_string()))?;
            if !matches!(server.scheme(), "nats" | "tls") {
                return Err(wrong(format!("the scheme {} is not spoken here", server.scheme())));
            }
            if server.host().is_empty() {
                return Err(wrong("a host is missing".to_owned()));
            }
            if login.is_none() {
                login = credentials(&server);
            }
            servers.push(without_credentials(server).map_err(wrong)?);
        }
        if servers.is_empty() {
            return Err(wrong("it is empty".to_owned()));
        }
        Ok(Self { servers, login })
    }

    /// Whether every server is on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        self.servers.iter().all(|server| is_loopback(server.host()))
    }

    /// For logs and errors: hosts and ports only.
    pub(crate) fn shown(&self) -> String {
        let hosts: Vec<_> =
            self.servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        hosts.join(", ")
    }
}

/// Whether a host name or address never leaves the machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn credentials(server: &ServerAddr) -> Option<Login> {
    let user = percent_decoded(server.username()?);
    Some(match server.password() {
        Some(password) => Login::User(user, SecretString::from(percent_decoded(password))),
        // A user without a password is NATS's way to write a token.
        None => Login::Token(SecretString::from(user)),
    })
}

fn without_credentials(server: ServerAddr) -> Result<ServerAddr, String> {
    let mut url = server.into_inner();
    let stripped = url.set_username("").and_then(|()| url.set_password(None));
    stripped.map_err(|()| "a host is missing".to_owned())?;
    ServerAddr::from_url(url).map_err(|error| error.to_string())
}

/// The URL parser leaves `%40` as it is; a password may well contain an `@`.
fn percent_decoded(text: &str) -> String {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3)).flatten();
        if let Some([high, low]) = pair
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(high * 16 + low);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, SettingsError> {
        Address::parse(&SecretString::from(url))
    }

    #[test]
    fn credentials_are_taken_out_of_the_url() {
        let address = parse("nats://ann:p%40ss%@h1:4300, h2").expect("valid");
        let Some(Login::User(user, password)) = &address.login else { panic!("no user") };
        assert_eq!((user.as_str(), password.expose_secret()), ("ann", "p@ss%"));
        assert_eq!(address.shown(), "h1:4300, h2:4222");
        assert!(!format!("{address:?}").contains("p%40ss"));
    }

    #[test]
    fn a_user_without_a_password_is_a_token() {
        let address = parse("tls://s3cret@h").expect("valid");
        assert!(matches!(&address.login, Some(Login::Token(token)) if token.expose_secret() == "s3cret"));
        assert!(address.servers[0].tls_required());
    }

    #[test]
    fn loopback_is_recognised_by_name_and_address() {
        for (url, expected) in [
            ("nats://127.0.0.1:4222", true),
            ("localhost", true),
            ("nats://[::1]:4222", true),
            ("nats://localhost,nats://10.0.0.1", false),
            ("nats://nats.example.org", false),
        ] {
            assert_eq!(parse(url).expect(url).is_loopback(), expected, "{url}");
        }
    }

    #[test]
    fn a_malformed_url_is_refused_without_being_shown() {
        for url in ["", " , ", "http://hunter2@h", "ws://hunter2@h", "nats://", "nats://hunter2@h:99999"] {
            let error = parse(url).expect_err(url).to_string();
            assert!(error.starts_with("nats.url: ") && error.contains("nats://host:4222"), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
