//! `doorplate lend-device`, and borrowing devices of other machines.
//!
//! It uses Burn's remote server: a borrower sends tensor operations through a WebSocket, and the
//! lender runs them on its own device.

use std::{
    fmt, io,
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    str::FromStr,
    time::Duration,
};

use burn::tensor::Device;
use clap::Parser;

use super::{Error, device::DeviceArg};
use crate::training::TrainingError;

/// How long a lender may take to accept a connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// Lend devices of this machine to `doorplate train` on others, until Ctrl-C.
///
/// Borrow them with `--device ws://HOST:PORT`. If DOORPLATE_TOKEN is set to the same word on both
/// sides, other machines are refused. Nothing that is sent is encrypted, and a borrower can fill
/// this machine's memory, so lend only within a network that you trust.
#[derive(Debug, Parser)]
#[command(after_help = super::examples!(
    "DOORPLATE_TOKEN=secret doorplate lend-device --device cuda --listen 0.0.0.0:7000"
))]
pub struct Args {
    /// What is lent: auto, cpu, wgpu, cuda or cuda:NUMBER; several of one kind, separated by
    /// commas, are borrowed as ws://HOST:PORT/0, ws://HOST:PORT/1 and so on.
    #[arg(long, value_name = "DEVICE", value_delimiter = ',', default_value = "auto")]
    device: Vec<DeviceArg>,
    /// The address to listen on; port 0 chooses a free one. An address other than loopback needs
    /// DOORPLATE_TOKEN.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

/// A device that `doorplate lend-device` lends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LentDevice {
    /// The lender's `HOST:PORT`.
    lender: String,
    /// Which of the lender's devices, from 0.
    number: usize,
}

impl FromStr for LentDevice {
    type Err = String;

    /// Takes `ws://HOST:PORT` or `ws://HOST:PORT/NUMBER`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = || {
            let rest = text.strip_prefix("ws://")?;
            let (lender, number) = match rest.split_once('/') {
                None | Some((_, "")) => (rest.trim_end_matches('/'), 0),
                Some((lender, number)) => (lender, number.parse().ok()?),
            };
            let (host, port) = lender.rsplit_once(':')?;
            let port: u16 = port.parse().ok()?;
            (!host.is_empty() && port > 0).then(|| LentDevice { lender: lender.to_owned(), number })
        };
        parsed().ok_or_else(|| format!("{text}: give ws://HOST:PORT or ws://HOST:PORT/NUMBER"))
    }
}

impl fmt::Display for LentDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ws://{}", self.lender)?;
        if self.number > 0 { write!(f, "/{}", self.number) } else { Ok(()) }
    }
}

impl LentDevice {
    /// Whether somebody listens there.
    fn answers(&self) -> io::Result<()> {
        let mut last = io::Error::other("its name leads to no address");
        for address in self.lender.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECTING) {
                Ok(_) => return Ok(()),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// If a device's failure ended a run, names the lenders among `devices` that no longer answer.
pub fn name_the_lost(devices: &[DeviceArg], error: TrainingError) -> Error {
    let lost: Vec<String> = match error {
        TrainingError::Device { .. } => devices
            .iter()
            .filter_map(|device| match device {
                DeviceArg::Lent(lent) if lent.answers().is_err() => Some(lent.to_string()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let error = Error::from(error);
    if lost.is_empty() {
        return error;
    }
    error.context(format!("{} does not answer any more", lost.join(", ")))
}

#[cfg(not(feature = "lend"))]
mod lending {
    use super::{super::Result, Args, Device, LentDevice};

    const NOT_BUILT: &str = "this build can neither lend nor borrow devices; build it with `cargo \
                             build --release --features lend`";

    pub fn run(_: &Args) -> Result<()> {
        Err(NOT_BUILT.into())
    }

    impl LentDevice {
        /// Borrows the device.
        pub fn open(&self) -> Result<Device> {
            Err(format!("{self}: {NOT_BUILT}").into())
        }
    }
}

#[cfg(feature = "lend")]
mod lending {
    use std::{
        env::{self, VarError},
        io::{self, Write as _},
        net::TcpListener,
        sync::mpsc,
        thread,
        time::Duration,
    };

    use burn::{
        remote::{ConnectError, RemoteHost},
        server::{
            AllowAll, AuthorizationRequest, PeerAuthorizer, RemoteServer, TokenAuthorizer,
            WebSocketTransport,
        },
    };

    use super::{
        super::{Context as _, Result, WrongArgument},
        Args, Device, DeviceArg, LentDevice,
    };
    use crate::classifier::EngineError;

    /// The environment's name for the word that borrowers have to know.
    const TOKEN: &str = "DOORPLATE_TOKEN";

    /// How long a lender may take to greet: what takes connections and says nothing is none.
    const GREETING: Duration = Duration::from_secs(20);

    fn token() -> Result<Option<String>> {
        match env::var(TOKEN) {
            Ok(token) => Ok(Some(token).filter(|token| !token.is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => {
                Err(WrongArgument(format!("{TOKEN} is not valid UTF-8")).into())
            }
        }
    }

    pub fn run(args: &Args) -> Result<()> {
        let wrong = |reason: String| WrongArgument(reason);
        if args.device.iter().any(|device| matches!(device, DeviceArg::Lent(_))) {
            return Err(wrong("--device: a borrowed device cannot be lent".to_owned()).into());
        }
        let token = token()?;
        if token.is_none() && !args.listen.ip().is_loopback() {
            return Err(wrong(format!(
                "--listen {}: others can reach this address; set {TOKEN} to a word that borrowers \
                 have to know, or listen on 127.0.0.1",
                args.listen
            ))
            .into());
        }
        let devices: Vec<Device> =
            args.device.iter().map(DeviceArg::open).collect::<Result<_, _>>()?;
        let listener = TcpListener::bind(args.listen)
            .context(format_args!("cannot listen on {}", args.listen))?;
        let lender = listener.local_addr()?.to_string();
        let server = match token {
            Some(token) => {
                let known = TokenAuthorizer::new(token).map_err(|error| error.to_string())?;
                RemoteServer::new(devices).with_authorizer(told(known))
            }
            None => RemoteServer::new(devices).with_authorizer(told(AllowAll)),
        };
        // Not Burn's own blocking form, which sets up a log on the standard output.
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(async {
            let serving = server.serve_async(WebSocketTransport::from_listener(listener));
            let lines: Vec<String> = (0..)
                .zip(&args.device)
                .map(|(number, device)| {
                    let lent = LentDevice { lender: lender.clone(), number };
                    format!("Lending {device} as {lent} (stop with Ctrl-C)")
                })
                .collect();
            // At once, and whether or not somebody reads: the devices are lent all the same.
            let _ = writeln!(io::stdout(), "{}", lines.join("\n"));
            serving.await
        });
        Ok(served.map_err(|error| error.to_string())?)
    }

    /// Tells who borrows and who is refused.
    fn told(authorizer: impl PeerAuthorizer) -> impl PeerAuthorizer {
        move |request: AuthorizationRequest<'_>| {
            let (client, number) = (request.client, request.device_index);
            let answer = authorizer.authorize(request);
            match &answer {
                Ok(()) => note!("{client} borrows device {number}"),
                Err(reason) => note!("refused: {reason}"),
            }
            answer
        }
    }

    impl LentDevice {
        /// Borrows the device.
        pub fn open(&self) -> Result<Device> {
            // Asked first, as Burn goes on asking for a quarter of a minute.
            if let Err(error) = self.answers() {
                return Err(EngineError::Device(format!(
                    "there is no lender at ws://{}: {error}; start `doorplate lend-device` there \
                     first",
                    self.lender
                ))
                .into());
            }
            let mut host = RemoteHost::websocket(&format!("ws://{}", self.lender));
            if let Some(token) = token()? {
                host = host.with_credential(token);
            }
            let options = Device::remote_options(&host).device_index(self.number);
            let (greeted, greeting) = mpsc::channel();
            // Nobody may be listening any more.
            thread::spawn(move || drop(greeted.send(options.init())));
            let problem = match greeting.recv_timeout(GREETING) {
                Ok(Ok(device)) => return Ok(device),
                Ok(Err(ConnectError::Unauthorized)) => {
                    format!("the lender refuses this {TOKEN}; set it to the lender's")
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("no greeting within {} s", GREETING.as_secs()),
            };
            Err(EngineError::Device(format!("{self}: {problem}")).into())
        }
    }
}

pub use lending::run;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lent_devices_are_known_by_their_addresses() {
        for (text, shown) in [
            ("ws://host:3000", "ws://host:3000"),
            ("ws://host:3000/", "ws://host:3000"),
            ("ws://host:3000/0", "ws://host:3000"),
            ("ws://10.0.0.7:3000/2", "ws://10.0.0.7:3000/2"),
            ("ws://[::1]:3000/1", "ws://[::1]:3000/1"),
        ] {
            let lent: LentDevice = text.parse().expect("an address");
            assert_eq!(lent.to_string(), shown);
        }
        for wrong in
            ["ws://", "ws://host", "ws://:3000", "ws://host:0", "ws://host:port", "ws://host:1/x"]
        {
            let problem = wrong.parse::<LentDevice>().expect_err("no address");
            assert!(problem.contains("ws://HOST:PORT"), "{problem}");
        }
    }
}
