//! `doorplate serve`

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::{Context as _, ensure};
use axum::{
    Router,
    http::{HeaderName, HeaderValue},
};
use clap::Parser;
use tower_http::{services::ServeDir, set_header::SetResponseHeaderLayer};

/// The headers of every response, in a format that static hosts read. One of them, the content
/// security policy, allows the page to connect to its own origin only.
pub(super) const HEADERS: &str = include_str!("../../pkg-config/_headers");

/// Serve the page to a browser on this machine.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate serve",
    "doorplate serve --dir dist --port 8000"
))]
pub struct Args {
    /// The folder of the built page, which `make web` makes.
    #[arg(long, default_value = "dist")]
    dir: PathBuf,
    /// The port; 0 chooses a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on. With an address other than loopback, everybody on the network can
    /// open the page.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
}

/// The headers of [`HEADERS`].
fn headers() -> anyhow::Result<Vec<(HeaderName, HeaderValue)>> {
    let lines = HEADERS.lines().filter(|line| line.starts_with(' '));
    lines
        .map(|line| {
            let (name, value) = line.trim().split_once(": ").context(line)?;
            Ok((name.to_ascii_lowercase().parse()?, value.parse()?))
        })
        .collect()
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    ensure!(
        args.dir.join("index.html").is_file(),
        "{}: the page is not here. In the sources, `make web` builds it into dist/; name that folder \
         with --dir",
        args.dir.display()
    );
    let files = ServeDir::new(&args.dir).precompressed_br().precompressed_gzip();
    let mut app = Router::new().fallback_service(files);
    for (name, value) in headers()? {
        app = app.layer(SetResponseHeaderLayer::overriding(name, value));
    }
    let address = SocketAddr::new(args.address, args.port);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; is another program using it? Try --port")
        })?;
        // Whether or not somebody reads: the page is served all the same.
        let _ = tell!("Doorplate is at http://{}/ (stop with Ctrl-C)", listener.local_addr()?);
        axum::serve(listener, app)
            .with_graceful_shutdown(async {
                // Without a way to hear of Ctrl-C, the system's own ends the program.
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending::<()>().await;
                }
            })
            .await?;
        Ok(())
    })
}

#[cfg(test)]
mod tests {
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
}
