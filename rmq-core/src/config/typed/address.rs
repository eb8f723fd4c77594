//! One node of the broker, as `addresses` names it.

use std::fmt;

use percent_encoding::percent_decode_str;

use super::super::secret::Secret;

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// One node of the broker. What it does not say itself is the connection's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or IP address, without brackets.
    pub host: String,
    /// Port, if it is said; else 5672, or 5671 with TLS.
    pub port: Option<u16>,
    /// Its own login, if it has one. Default: the connection's.
    pub credentials: Option<Credentials>,
    /// Its own virtual host, if it names one. Default: the connection's.
    pub virtual_host: Option<String>,
    /// Whether it says TLS: `amqps://` yes, `amqp://` no, neither: `ssl.enabled`.
    pub tls: Option<bool>,
}

impl Address {
    /// Reads `host`, `host:port` or `amqp[s]://[user[:password]@]host[:port][/vhost]`; user,
    /// password and virtual host percent-encoded, IPv6 in brackets. The error says what is wrong
    /// and shows nothing of the text.
    pub(in super::super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (tls, rest) = scheme(text)?;
        // Encoded credentials hold no `@`; in a raw password the last one ends it.
        let (login, place) = match rest.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, rest),
        };
        if login.is_some_and(|login| login.contains('/') && tls.is_some()) {
            return Err("has a `/` in its user or password: write it as %2F, and `@` as %40");
        }
        let (authority, virtual_host) = match place.split_once('/') {
            Some((authority, vhost)) => (authority, Some(vhost)),
            None => (place, None),
        };
        let (host, port) = host_and_port(authority)?;
        let virtual_host = match virtual_host {
            // `amqp://host/` names the virtual host with the empty name in the URI scheme; Spring
            // and everybody else mean `/`.
            None => None,
            Some("") => Some("/".to_owned()),
            Some(vhost) if vhost.contains('/') => {
                return Err("has a second `/`: write one in the virtual host as %2F");
            }
            Some(vhost) => Some(decoded(vhost)?),
        };
        Ok(Self {
            host,
            port,
            credentials: login.map(credentials).transpose()?,
            virtual_host,
            tls,
        })
    }
}

fn scheme(text: &str) -> Result<(Option<bool>, &str), &'static str> {
    match text.split_once("://") {
        None => Ok((None, text)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("amqp") => Ok((Some(false), rest)),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("amqps") => Ok((Some(true), rest)),
        Some(_) => Err("begins with a scheme other than amqp:// and amqps://"),
    }
}

fn credentials(login: &str) -> Result<Credentials, &'static str> {
    let (username, password) = login.split_once(':').unwrap_or((login, ""));
    Ok(Credentials {
        username: decoded(username)?,
        password: Secret::new(decoded(password)?),
    })
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let whole = text.match_indices('%').all(|(at, _)| {
        let digits = text.get(at + 1..at + 3);
        digits.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))
    });
    if !whole {
        return Err("has a `%` that begins no escape: write it as %25");
    }
    let bytes = percent_decode_str(text).decode_utf8();
    bytes
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "has escapes that are not UTF-8")
}

fn host_and_port(authority: &str) -> Result<(String, Option<u16>), &'static str> {
    const WRONG_PORT: &str = "has a port that is not a number from 1 to 65535";
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or("has `[` without `]`")?;
        let wrong = "has something other than a port behind `]`";
        let port = match behind {
            "" => None,
            behind => Some(behind.strip_prefix(':').ok_or(wrong)?),
        };
        let address = host.split('%').next().unwrap_or_default();
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("has something other than an IPv6 address in brackets");
        }
        (host, port)
    } else {
        match authority.split_once(':') {
            Some((_, rest)) if rest.contains(':') => {
                return Err("has an IPv6 address without brackets: write [::1]:5672");
            }
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    if host.is_empty() {
        return Err("names no host");
    }
    if host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("has a blank in its host");
    }
    let port = match port {
        None => None,
        Some(port) => Some(
            port.parse()
                .ok()
                .filter(|port: &u16| *port != 0)
                .ok_or(WRONG_PORT)?,
        ),
    };
    Ok((host.to_owned(), port))
}

impl fmt::Display for Address {
    /// Host and port, nothing secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn summary(text: &str) -> String {
        let address = Address::parse(text).unwrap();
        let login = address.credentials.as_ref();
        let login = login.map(|login| format!("{}+{}", login.username, login.password.reveal()));
        format!(
            "{address} {login:?} {:?} {:?}",
            address.virtual_host, address.tls
        )
    }

    #[test]
    fn addresses_are_read_in_every_form() {
        for (text, expected) in [
            ("rmq1", "rmq1 None None None"),
            ("rmq1:5673", "rmq1:5673 None None None"),
            ("[::1]:5672", "[::1]:5672 None None None"),
            ("[fe80::1]", "[fe80::1] None None None"),
            ("amqp://h", "h None None Some(false)"),
            ("AMQPS://h:1/", "h:1 None Some(\"/\") Some(true)"),
            ("amqp://u:p@h/v", "h Some(\"u+p\") Some(\"v\") Some(false)"),
            ("u:p@h:2", "h:2 Some(\"u+p\") None None"),
            (
                "amqp://u:p%40s%2Fs%3A@h/%2Fv",
                "h Some(\"u+p@s/s:\") Some(\"/v\") Some(false)",
            ),
            ("amqp://u:p@ss@h", "h Some(\"u+p@ss\") None Some(false)"),
            ("amqp://u@h", "h Some(\"u+\") None Some(false)"),
            ("amqp://u:a:b@h", "h Some(\"u+a:b\") None Some(false)"),
        ] {
            assert_eq!(summary(text), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_address_says_why_and_shows_nothing() {
        for text in [
            "http://h",
            "",
            "amqp://",
            ":5672",
            "h:0",
            "h:99999",
            "h:x",
            "::1",
            "[::1",
            "[::1]5",
            "[zz]",
            "amqp://u:hunter2/x@h",
            "amqp://u:%zz@h",
            "amqp://h/a/b",
            "a b",
            "amqp://u:%ff@h",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(!error.contains("hunter2"));
        }
    }
}
