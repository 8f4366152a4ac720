//! Values of options as a person writes them: short forms are taken, and what is wrong is said with an example.
//!
//! A variable that is set to nothing counts as not set, as it does for AWS's clients.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use domain::{InvalidName, Region};

/// The region that functions see where nothing is said.
pub(crate) const REGION_DEFAULT: &str = "us-east-1";
/// Where an image's function answers where nothing is said.
pub(crate) const EMULATE_DEFAULT: &str = "0.0.0.0:8080";

/// An address to listen on; a port alone is one of this machine's own.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or(("localhost", text));
    let short = if host == "localhost" { with_port(Ipv4Addr::LOCALHOST, port) } else { None };
    let read = || text.parse().map_err(|_| "must be IP:PORT or PORT, such as 127.0.0.1:9000".to_owned());
    short.map_or_else(read, Ok)
}

/// An address to listen on in a container, where a port alone is one of every interface's, as for AWS's emulator.
pub(crate) fn container_address(text: &str) -> Result<SocketAddr, String> {
    let text = if text.is_empty() { EMULATE_DEFAULT } else { text };
    match with_port(Ipv4Addr::UNSPECIFIED, text.trim_start_matches(':')) {
        Some(address) => Ok(address),
        None => address(text),
    }
}

fn with_port(ip: Ipv4Addr, port: &str) -> Option<SocketAddr> {
    Some(SocketAddr::new(IpAddr::V4(ip), port.parse().ok()?))
}

/// A region.
pub(crate) fn region(text: &str) -> Result<Region, InvalidName> {
    if text.is_empty() { REGION_DEFAULT } else { text }.parse()
}

/// Where the path of AWS's emulator is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emulator {
    /// Nowhere.
    Off,
    /// There.
    At(SocketAddr),
}

impl FromStr for Emulator {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" { Ok(Self::Off) } else { address(text).map(Self::At) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_short_forms() {
        let check = |text: &str, own: &str, container: &str| {
            let read = |read: Result<SocketAddr, String>| read.map(|address| address.to_string());
            let read = (read(address(text)), read(container_address(text)));
            let (Ok(told) | Err(told)) = &read.0;
            assert!(told.starts_with(own), "{text}: {read:?}");
            assert_eq!(read.1.as_deref().unwrap_or("wrong"), container, "{text}");
        };
        check("127.0.0.1:9000", "127.0.0.1:9000", "127.0.0.1:9000");
        check("[::1]:9000", "[::1]:9000", "[::1]:9000");
        check("9000", "127.0.0.1:9000", "0.0.0.0:9000");
        check("localhost:9000", "127.0.0.1:9000", "127.0.0.1:9000");
        check(":9000", "must be IP:PORT or PORT", "0.0.0.0:9000");
        check("", "must be IP:PORT or PORT", "0.0.0.0:8080");
        check("70000", "must be IP:PORT or PORT", "wrong");
        check("example.com:80", "must be IP:PORT or PORT", "wrong");
    }

    #[test]
    fn the_emulator_is_somewhere_or_off() {
        assert_eq!("off".parse(), Ok(Emulator::Off));
        assert_eq!("8080".parse(), Ok(Emulator::At(([127, 0, 0, 1], 8080).into())));
        assert!("on".parse::<Emulator>().is_err());
    }

    #[test]
    fn a_region_that_is_set_to_nothing_is_the_default() {
        assert_eq!(region("").unwrap().to_string(), REGION_DEFAULT);
        assert!(region("a b").is_err());
    }
}
