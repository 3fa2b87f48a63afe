//! `doorplate serve`

mod site;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    pin::pin,
    time::Duration,
};

use axum::{Router, serve::Listener};
use clap::Parser;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

pub(super) use self::site::HEADERS;
use self::site::Site;
use super::{Context as _, Result};

/// Serve the page to a browser on this machine.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "doorplate serve",
    "doorplate serve --dir dist --port 8000"
))]
pub struct Args {
    /// The folder of the built page, which `make web` makes. Hidden files and links that leave the
    /// folder are not served.
    #[arg(long, default_value = "dist")]
    dir: PathBuf,
    /// The port; 0 chooses a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The address to listen on. With an address other than loopback, everybody on the network can
    /// open the page.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    address: IpAddr,
    /// A name under which the page is opened, besides localhost and IP addresses. Requests to other
    /// names are refused, so that a page of another site cannot reach this server through a name of
    /// its own. May be given more than once.
    #[arg(long = "host", value_name = "NAME", value_parser = host_name)]
    hosts: Vec<String>,
}

fn host_name(name: &str) -> Result<String, String> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if plain && !name.is_empty() {
        Ok(name.trim_end_matches('.').to_ascii_lowercase())
    } else {
        Err("give a name such as photos.example, without http:// and port".to_owned())
    }
}

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Connections at a time; further ones wait.
    connections: usize,
    /// From the first wait for a request to the end of its headers.
    headers: Duration,
    /// How long a connection is used for further requests, and then how long its last answer may
    /// take. So those who do not read their answers do not hold a place forever.
    life: Duration,
    /// How long answers may take to end once the server is told to stop.
    stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections: 256,
            headers: Duration::from_secs(10),
            life: Duration::from_secs(600),
            stop: Duration::from_secs(3),
        }
    }
}

pub fn run(args: &Args) -> Result<()> {
    if !args.dir.join("index.html").is_file() {
        return Err(format!("{}: the page is not here. In the sources, `make web` builds it into dist/; name that folder \
         with --dir",
            args.dir.display()
        )
        .into());
    }
    let app = Site { folder: args.dir.clone(), hosts: args.hosts.clone() }.router()?;
    let stop = listen_for_ctrl_c()?;
    let address = SocketAddr::new(args.address, args.port);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(async {
        let listener = TcpListener::bind(address).await.context(format_args!(
            "cannot listen on {address}; is another program using it? Try --port"
        ))?;
        // Whether or not somebody reads: the page is served all the same.
        let _ = tell!("Doorplate is at http://{}/ (stop with Ctrl-C)", listener.local_addr()?);
        serve(listener, &app, Limits::default(), stop).await;
        Ok(())
    });
    // Does not wait for a slow disk.
    runtime.shutdown_background();
    served
}

/// Becomes true at Ctrl-C, and when the system asks the program to end.
fn listen_for_ctrl_c() -> Result<watch::Receiver<bool>> {
    let (told, stop) = watch::channel(false);
    ctrlc::set_handler(move || {
        if told.send_replace(true) {
            // At the second time, stop immediately.
            std::process::exit(130);
        }
    })
    .context("listening for Ctrl-C")?;
    Ok(stop)
}

/// Waits for it to become true, or to be forgotten.
async fn is_true(told: &mut watch::Receiver<bool>) {
    let _ = told.wait_for(|told| *told).await;
}

/// Serves until it is told to stop, and ends then within [`Limits::stop`].
async fn serve(
    mut listener: TcpListener,
    app: &Router,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            (stream, _) = Listener::accept(&mut listener), if connections.len() < limits.connections => {
                connections.spawn(converse(stream, app.clone(), limits, stop.clone()));
            }
            Some(_) = connections.join_next() => {}
            () = is_true(&mut stop) => break,
        }
    }
    drop(listener);
    let _ = timeout(limits.stop, async { while connections.join_next().await.is_some() {} }).await;
}

/// Answers the requests of one connection. Errors are the other side's.
async fn converse(stream: TcpStream, app: Router, limits: Limits, mut stop: watch::Receiver<bool>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app));
    let mut connection = pin!(connection);
    tokio::select! {
        _ = &mut connection => return,
        () = sleep(limits.life) => {}
        () = is_true(&mut stop) => {}
    }
    // The answer in progress is the last.
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.life, connection).await;
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read as _, Write as _},
        net, thread,
    };

    use super::*;

    /// A server with one page of its own, on a thread.
    struct Server {
        address: SocketAddr,
        told: watch::Sender<bool>,
        thread: thread::JoinHandle<()>,
    }

    const PAGE: usize = 20_000_000;

    impl Server {
        fn start(limits: Limits) -> Self {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
            let runtime = runtime.expect("threads");
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
            let address = listener.local_addr().expect("bound");
            let (told, stop) = watch::channel(false);
            let thread = thread::spawn(move || {
                let folder = tempfile::tempdir().expect("a temporary folder");
                fs::write(folder.path().join("index.html"), vec![b'a'; PAGE]).expect("written");
                let site = Site { folder: folder.path().to_owned(), hosts: Vec::new() };
                let app = site.router().expect("well formed");
                runtime.block_on(serve(listener, &app, limits, stop));
            });
            Server { address, told, thread }
        }

        fn connect(&self) -> net::TcpStream {
            let stream = net::TcpStream::connect(self.address).expect("it listens");
            stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
            stream
        }

        /// The whole page on a connection of its own.
        fn page(&self) -> usize {
            let mut stream = self.connect();
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .expect("sent");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).expect("answered");
            answer.iter().filter(|byte| **byte == b'a').count()
        }

        fn stop(self) {
            self.told.send_replace(true);
            self.thread.join().expect("it ends");
        }
    }

    /// What a connection holds no longer than its server lets it, read to its end.
    fn ended(mut stream: net::TcpStream) {
        // Closed or reset; without either the read times out.
        match stream.read_to_end(&mut Vec::new()) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(200);

    #[test]
    fn silent_connections_give_up_their_places() {
        let limits = Limits { connections: 4, headers: SHORT, life: LONG, stop: SHORT };
        let server = Server::start(limits);
        let idle: Vec<_> = (0..4).map(|_| server.connect()).collect();
        let half: Vec<_> = (0..4).map(|_| server.connect()).collect();
        for mut stream in &half {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: loc").expect("sent");
        }
        assert!(server.page() >= PAGE);
        idle.into_iter().chain(half).for_each(ended);
        server.stop();
    }

    #[test]
    fn who_does_not_read_gives_up_the_place() {
        let limits = Limits { connections: 1, headers: LONG, life: SHORT, stop: SHORT };
        let server = Server::start(limits);
        let mut deaf = server.connect();
        deaf.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut one = [0];
        deaf.read_exact(&mut one).expect("it is served");
        // The answer is larger than the system's buffers, so it is never sent as a whole.
        let mut next = server.connect();
        next.write_all(b"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        next.read_exact(&mut one).expect("it has the place now");
        ended(deaf);
        server.stop();
    }

    #[test]
    fn a_stop_waits_for_no_one_for_long() {
        let limits = Limits { headers: LONG, life: LONG, stop: SHORT, ..Limits::default() };
        let server = Server::start(limits);
        let idle = server.connect();
        let mut half = server.connect();
        half.write_all(b"GET / HTTP/1.1\r\nHost: loc").expect("sent");
        let mut deaf = server.connect();
        deaf.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        deaf.read_exact(&mut [0]).expect("it is served");
        server.stop();
        [idle, half].into_iter().for_each(ended);
    }
}
