//! What the server answers: files of its folder and nothing else, to those who mean this server.

use std::{
    ffi::OsString,
    net::{IpAddr, Ipv6Addr},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, header,
        uri::{Authority, Uri},
    },
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

use crate::cli::Result;

/// The headers of every response, in a format that static hosts read. One of them, the content
/// security policy, allows the page to connect to its own origin only.
pub(in crate::cli) const HEADERS: &str = include_str!("../../../pkg-config/_headers");

/// The endings of compressed copies, which are served in the place of a file.
const COPIES: [&str; 2] = [".br", ".gz"];

/// What is said of a file that is not served, whatever the reason.
const NO_FILE: &str =
    "There is no such file here. Hidden files and links that leave the folder are not served.\n";

/// A folder that is served.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The folder.
    pub folder: PathBuf,
    /// Names under which it is reached, in lower case, besides `localhost` and IP addresses.
    pub hosts: Vec<String>,
}

/// The headers of [`HEADERS`].
fn headers() -> Result<Vec<(HeaderName, HeaderValue)>> {
    let lines = HEADERS.lines().filter(|line| line.starts_with(' '));
    lines
        .map(|line| {
            let (name, value) = line.trim().split_once(": ").ok_or(line)?;
            Ok((name.to_ascii_lowercase().parse()?, value.parse()?))
        })
        .collect()
}

impl Site {
    /// The service that answers requests.
    pub(super) fn router(self) -> Result<Router> {
        let files = ServeDir::new(&self.folder).precompressed_br().precompressed_gzip();
        let mut app = Router::new()
            .fallback_service(files)
            .layer(from_fn_with_state(Arc::new(self), guard))
            // Whoever keeps a compressed copy must not give it to those who take none.
            .layer(SetResponseHeaderLayer::overriding(
                header::VARY,
                HeaderValue::from_static("accept-encoding"),
            ));
        for (name, value) in headers()? {
            app = app.layer(SetResponseHeaderLayer::overriding(name, value));
        }
        Ok(app)
    }

    /// Whether a request means this server. A page of another origin can point its own name to this
    /// machine (DNS rebinding), but it cannot have the browser send another name than its own. So
    /// an IP address is nobody else's name, and names are compared. The port is not, as it is
    /// another one behind a forwarded port.
    fn is_meant(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if bare.is_some_and(|bare| bare.parse::<Ipv6Addr>().is_ok()) {
            return true;
        }
        let name = host.trim_end_matches('.').to_ascii_lowercase();
        name.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.hosts.contains(&name)
    }

    /// Whether a path of a request names a file or folder that may be served, with its compressed
    /// copies: links that leave the folder, hidden files, pipes and devices may not.
    fn serves(&self, path: &str) -> bool {
        let Some(inside) = path_inside(path) else { return false };
        let Ok(folder) = self.folder.canonicalize() else { return false };
        let mut place = folder.join(inside);
        if place.is_dir() {
            place.push("index.html");
        }
        let copies = COPIES.iter().map(|ending| {
            let mut copy = OsString::from(&place);
            copy.push(ending);
            PathBuf::from(copy)
        });
        // The server takes a copy that exists without looking where it leads.
        is_file_within(&folder, &place)
            && copies
                .filter(|copy| copy.symlink_metadata().is_ok())
                .all(|copy| is_file_within(&folder, &copy))
    }
}

/// The path below the folder that a request's path names; `None` if it is not a plain path.
fn path_inside(path: &str) -> Option<PathBuf> {
    let path = percent_encoding::percent_decode_str(path.strip_prefix('/')?).decode_utf8().ok()?;
    // A redirect to a path with two slashes at its beginning would lead to another host.
    if path.starts_with('/') {
        return None;
    }
    let path = PathBuf::from(path.as_ref());
    is_plain(&path).then_some(path)
}

/// Whether a relative path leads down only, and through nothing hidden.
fn is_plain(path: &Path) -> bool {
    path.components().all(|part| match part {
        // RFC 8615: files for programs, which are meant to be public.
        Component::Normal(name) if name == ".well-known" => true,
        Component::Normal(name) => !name.as_encoded_bytes().starts_with(b"."),
        Component::CurDir => true,
        Component::ParentDir | Component::RootDir | Component::Prefix(_) => false,
    })
}

/// Whether a path leads to a regular file in the folder, which is given without links.
fn is_file_within(folder: &Path, path: &Path) -> bool {
    let Ok(real) = path.canonicalize() else { return false };
    real.is_file() && real.strip_prefix(folder).is_ok_and(is_plain)
}

/// Answers what must not reach the files.
async fn guard(State(site): State<Arc<Site>>, mut request: Request, next: Next) -> Response {
    let Some(host) = host(request.uri(), request.headers()) else {
        return (StatusCode::BAD_REQUEST, "The request does not name one host.\n").into_response();
    };
    if !site.is_meant(host.host()) {
        let name = host.host();
        let text = format!(
            "This Doorplate does not answer to the name {name}. Open it as localhost or by its IP \
             address, or start it with: doorplate serve --host {name}\n"
        );
        return (StatusCode::MISDIRECTED_REQUEST, text).into_response();
    }
    let path = request.uri().path().to_owned();
    let served = tokio::task::spawn_blocking(move || site.serves(&path)).await;
    if !served.unwrap_or(false) {
        return (StatusCode::NOT_FOUND, NO_FILE).into_response();
    }
    let range = range(request.headers());
    request.headers_mut().remove(header::RANGE);
    if let Some(range) = range {
        request.headers_mut().insert(header::RANGE, range);
    }
    next.run(request).await
}

/// The one host that a request names.
fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let mut named = headers.get_all(header::HOST).iter();
    let (header, None) = (named.next(), named.next()) else { return None };
    match uri.authority() {
        Some(authority) => Some(authority.clone()),
        None => header?.to_str().ok()?.parse().ok(),
    }
}

/// The range that a request asks for, as the file service takes it. All others are ignored, and the
/// file is sent as a whole, which RFC 9110 (14.2) allows for any range and demands for unknown
/// units; the service would refuse them. The service does not compare validators either, so that
/// with `If-Range` a part of another version would be sent.
fn range(headers: &HeaderMap) -> Option<HeaderValue> {
    if headers.contains_key(header::IF_RANGE) {
        return None;
    }
    let mut asked = headers.get_all(header::RANGE).iter();
    let (Some(range), None) = (asked.next(), asked.next()) else { return None };
    let (unit, range) = range.to_str().ok()?.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let first = number(first)?;
    let range = match last {
        "" => format!("bytes={first}-"),
        last => format!("bytes={first}-{}", number(last).filter(|last| first <= *last)?),
    };
    unit.eq_ignore_ascii_case("bytes").then(|| range.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_policy_allows_the_own_origin_only() {
        let headers = headers().expect("the file is well formed");
        let policy = headers.iter().find(|(name, _)| name == "content-security-policy");
        let policy = policy.expect("there is a policy").1.to_str().expect("plain text");
        assert!(policy.starts_with("default-src 'none'"));
        assert!(policy.contains("connect-src 'self'"));
        assert!(!policy.contains("http"), "no other origin is named");
        assert!(!policy.contains("unsafe-inline"));
    }

    #[test]
    fn addresses_and_given_names_are_meant_and_no_others() {
        let site = Site { folder: PathBuf::new(), hosts: vec!["photos.example".to_owned()] };
        for mine in [
            "localhost",
            "LocalHost.",
            "doorplate.localhost",
            "127.0.0.1",
            "192.168.1.7",
            "[::1]",
            "Photos.Example",
        ] {
            assert!(site.is_meant(mine), "{mine}");
        }
        for other in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.photos.example",
            "[::1].evil.example",
            "",
        ] {
            assert!(!site.is_meant(other), "{other}");
        }
    }

    #[test]
    fn ranges_that_make_no_sense_are_ignored() {
        let asked = |range: &'static str| {
            let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range))]);
            super::range(&headers).map(|range| range.to_str().expect("plain").to_owned())
        };
        assert_eq!(asked("bytes=0-9").as_deref(), Some("bytes=0-9"));
        assert_eq!(asked("Bytes=007-").as_deref(), Some("bytes=7-"));
        for nonsense in [
            "bytes=9-3",
            "bytes=a-b",
            "bytes=--1",
            "bytes=+1-2",
            "bytes=",
            "bytes",
            "lines=0-9",
            "bytes=0-1,3-4",
            "bytes=-5",
            "bytes=0-99999999999999999999999",
        ] {
            assert_eq!(asked(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn what_lies_outside_or_is_hidden_is_not_served() {
        use std::os::unix::fs::symlink;

        let place = tempfile::tempdir().expect("a temporary folder");
        let folder = place.path().join("dist");
        fs::create_dir_all(folder.join("parts")).expect("made");
        fs::create_dir_all(folder.join(".git")).expect("made");
        fs::create_dir_all(folder.join(".well-known")).expect("made");
        let files = [
            "index.html",
            "app.js",
            "copied.js",
            "parts/a.wasm",
            ".git/config",
            ".env",
            ".well-known/x",
        ];
        for file in files {
            fs::write(folder.join(file), "content").expect("written");
        }
        fs::write(place.path().join("secret"), "secret").expect("written");
        let links = [
            ("../secret", "leaves.txt"),
            ("/etc/passwd", "passwd"),
            ("..", "up"),
            ("../secret", "copied.js.br"),
            (".git/config", "config"),
            ("app.js", "inside.js"),
            ("nowhere", "dangling"),
        ];
        for (to, link) in links {
            symlink(to, folder.join(link)).expect("linked");
        }
        let pipe = std::process::Command::new("mkfifo").arg(folder.join("pipe")).status();
        assert!(pipe.expect("mkfifo runs").success());
        // The folder itself may be reached through a link.
        symlink("dist", place.path().join("current")).expect("linked");
        let site = Site { folder: place.path().join("current"), hosts: Vec::new() };
        for served in
            ["/", "/index.html", "/app.js", "/parts/a.wasm", "/.well-known/x", "/inside.js"]
        {
            assert!(site.serves(served), "{served}");
        }
        let long = format!("/{}", "a".repeat(5_000));
        for refused in [
            "/leaves.txt",
            "/passwd",
            "/up/secret",
            "/copied.js",
            "/config",
            "/dangling",
            "/pipe",
            "/.env",
            "/.git/config",
            "/%2egit/config",
            "/parts",
            "//app.js",
            "/none.js",
            "/%00",
            "/%ff",
            "/../secret",
            &long,
        ] {
            assert!(!site.serves(refused), "{refused}");
        }
    }
}
