//! Devices lent from one process to another, as `make test-lend` tries them on this machine.
#![cfg(feature = "native")]

mod support;

#[cfg(not(feature = "lend"))]
#[test]
fn a_build_without_lending_says_what_to_build() {
    use doorplate::synthetic::write_format1;
    use support::doorplate;

    let shop = tempfile::tempdir().expect("a temporary folder");
    write_format1(&shop.path().join("data"), 4, 5).expect("drawn");
    for command in ["lend-device", "train --data data --device ws://127.0.0.1:3000"] {
        let message = doorplate(shop.path(), command).refused(1);
        assert!(message.contains("--features lend"), "{message}");
    }
}

#[cfg(feature = "lend")]
mod lending {
    use std::{
        fs,
        io::{BufRead as _, BufReader, Read as _},
        net::TcpListener,
        path::{Path, PathBuf},
        process::{Child, Stdio},
    };

    use doorplate::synthetic::write_format1;
    use tempfile::TempDir;

    use super::support::{Ran, doorplate, names_in, program};

    const TOKEN: &str = "DOORPLATE_TOKEN";

    /// A process that lends the CPU; ended with its owner.
    struct Lender {
        process: Child,
        /// `ws://HOST:PORT`
        address: String,
    }

    impl Lender {
        /// Starts a lender of `devices`, with `token` to be known by borrowers unless it is empty.
        fn start(devices: &str, token: &str) -> Self {
            let mut process = program()
                .args(["lend-device", "--listen", "127.0.0.1:0", "--device", devices])
                .env(TOKEN, token)
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("the built program starts");
            let mut line = String::new();
            let output = process.stdout.take().expect("it is piped");
            BufReader::new(output).read_line(&mut line).expect("read");
            let address = line.split_whitespace().find(|word| word.starts_with("ws://"));
            let address = address.unwrap_or_else(|| panic!("an address: {line}")).to_owned();
            Lender { process, address }
        }
    }

    impl Drop for Lender {
        fn drop(&mut self) {
            self.process.kill().expect("it can be killed");
            self.process.wait().expect("it ends");
        }
    }

    /// A folder with some drawn photos in `data`.
    fn shop(photos: u32) -> TempDir {
        let shop = tempfile::tempdir().expect("a temporary folder");
        write_format1(&shop.path().join("data"), photos, 5).expect("drawn");
        shop
    }

    fn run_in(runs: &Path) -> PathBuf {
        match names_in(runs).as_slice() {
            [run] => runs.join(run),
            runs => panic!("one run, not {runs:?}"),
        }
    }

    /// The summed loss of each of the run's epochs.
    fn losses(run: &Path) -> Vec<f64> {
        let name = names_in(run).into_iter().find(|name| name.ends_with("_measures.csv"));
        let measures = fs::read_to_string(run.join(name.expect("its measures"))).expect("read");
        let loss = |line: &str| line.split(',').nth(1).and_then(|loss| loss.parse().ok());
        measures.lines().skip(1).map(|line| loss(line).expect("a loss")).collect()
    }

    #[test]
    fn lent_devices_give_the_loss_curve_of_this_machines_own() {
        let shop = shop(40);
        let lender = Lender::start("cpu,cpu", "");
        let lent = &lender.address;
        let curve = |name: &str, devices: &str| {
            // A network without dropout, which every engine draws by itself.
            let command = format!(
                "train --data data --net ConvNet48_333 --epochs 3 --batch 16 --out {name} --device \
                 {devices}"
            );
            doorplate(shop.path(), &command).done();
            losses(&run_in(&shop.path().join(name)))
        };
        let near = |what: &str, curve: &[f64], expected: &[f64], reach: f64| {
            assert_eq!(curve.len(), expected.len(), "{what}");
            for (here, there) in curve.iter().zip(expected) {
                eprintln!("{what}: {here} {there} {}", (here - there).abs() / there);
                assert!((here - there).abs() < reach * there, "{what}: {curve:?}, {expected:?}");
            }
        };
        // Our own passes here, Burn's autodiff there: the same but for rounding, which grows.
        let alone = curve("alone", "cpu");
        assert!(alone[2] < alone[0], "it learns: {alone:?}");
        near("lent", &curve("lent", lent), &alone, 1e-3);
        // Batch norms see half a batch on each of two devices, so they are compared with two.
        let two = curve("two", "cpu,cpu");
        assert!(two != alone);
        near("one of two", &curve("one-of-two", &format!("cpu,{lent}")), &two, 1e-4);
        near("both", &curve("both", &format!("{lent},{lent}/1")), &two, 1e-4);
        let other = Lender::start("cpu", "");
        let both = format!("{lent},{}", other.address);
        near("of two lenders", &curve("lenders", &both), &two, 1e-4);
    }

    #[test]
    fn only_those_who_know_the_word_borrow() {
        let shop = shop(4);
        let lender = Lender::start("cpu", "open sesame");
        let borrow = |device: &str, token: &str| {
            let train = "train --data data --validation 0 --epochs 1 --device";
            let mut command = program();
            command.current_dir(shop.path()).args(train.split_whitespace()).arg(device);
            let output = command.env(TOKEN, token).output().expect("the built program starts");
            Ran::from(output)
        };
        for token in ["", "open says me"] {
            let message = borrow(&lender.address, token).refused(5);
            assert!(message.contains(TOKEN) && message.contains(&lender.address), "{message}");
            assert!(!message.contains("open s"), "a word is told: {message}");
        }
        let message = borrow(&format!("{}/1", lender.address), "open sesame").refused(5);
        assert!(message.contains("only 1 device"), "{message}");
        assert!(!shop.path().join("runs").exists(), "something ran");
        borrow(&lender.address, "open sesame").done();
    }

    #[test]
    fn what_cannot_be_lent_or_borrowed_is_refused() {
        let shop = shop(4);
        let at = shop.path();
        let message = doorplate(at, "lend-device --listen 0.0.0.0:0").refused(2);
        assert!(message.contains(TOKEN), "{message}");
        doorplate(at, "lend-device --device ws://127.0.0.1:3000").refused(2);
        let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = taken.local_addr().expect("it has one");
        doorplate(at, &format!("lend-device --device cpu --listen {address}")).refused(1);
        drop(taken);
        let message = doorplate(at, &format!("train --data data --device ws://{address}"));
        let message = message.refused(5);
        assert!(message.contains("lend-device"), "{message}");
        assert!(!at.join("runs").exists(), "something ran");
    }

    #[test]
    fn a_run_outlives_its_lender() {
        let shop = shop(40);
        for others in ["", "cpu,"] {
            let lender = Lender::start("cpu", "");
            let lent = lender.address.clone();
            let out = format!("runs-{others}");
            let device = format!("{others}{lent}");
            let train = "train --data data --net ConvNet48_333 --epochs 12 --batch 16 --out";
            let mut run = program()
                .current_dir(shop.path())
                .args(train.split_whitespace())
                .args([&out, "--device", &device])
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the built program starts");
            let mut messages = BufReader::new(run.stderr.take().expect("it is piped"));
            let mut line = String::new();
            messages.read_line(&mut line).expect("read");
            assert!(line.starts_with("epoch    1"), "{line}");
            drop(lender);
            let mut rest = String::new();
            messages.read_to_string(&mut rest).expect("read");
            assert_eq!(run.wait().expect("waited for").code(), Some(5), "{rest}");
            assert!(rest.contains(&lent) && rest.contains("--resume"), "{rest}");
            assert!(!rest.contains("panicked"), "{rest}");
            eprintln!("{rest}");
            let run = run_in(&shop.path().join(&out));
            let resumed = program()
                .current_dir(shop.path())
                .args(["train", "--device", "cpu", "--resume"])
                .arg(&run)
                .output();
            Ran::from(resumed.expect("the built program starts")).done();
            assert_eq!(losses(&run).len(), 12);
        }
    }
}
