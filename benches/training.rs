//! Training speed on this machine's processor: images a second of ConvNet48_Dropout3 at batch 32,
//! data loading and augmentation included, and the ratio to Burn's autodiff on the same machine
//! and, where Python has torch, to PyTorch, from the same run.
//!
//! `cargo bench --bench training [SECONDS]`. `PYTHON` names another interpreter than `python3`.

use std::{env, path::PathBuf, process::Command, time::Instant};

use doorplate::{
    synthetic::write_format1,
    training::{Augmentation, Benchmark},
};

/// The same network, batch and optimiser in PyTorch, on one batch over and over.
const TORCH: &str = r#"
import sys, time
import torch
from torch import nn
seconds = float(sys.argv[1])
torch.manual_seed(1)
torch.set_num_threads(int(sys.argv[2]))
def stage(a, b):
    return [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)]
for name, layout in [("contiguous", torch.contiguous_format), ("channels last", torch.channels_last)]:
    net = nn.Sequential(*stage(1, 48), *stage(48, 64), *stage(64, 32), nn.Flatten(), nn.Dropout(.5), nn.Linear(800, 10))
    net = net.to(memory_format=layout)
    adam = torch.optim.Adam(net.parameters(), lr=.003)
    x = torch.rand(32, 1, 40, 40).to(memory_format=layout)
    y = torch.randint(0, 10, (32,))
    steps, start = -3, None
    while True:
        if steps == 0:
            start = time.perf_counter()
        adam.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        adam.step()
        steps += 1
        if start and time.perf_counter() - start > seconds:
            break
    print(f"{name}\t{32 * steps / (time.perf_counter() - start)}")
"#;

fn main() {
    let seconds: f64 =
        env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(10.0);
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_format1(folder.path(), 300, 1).expect("photos to train on");
    let benchmark = Benchmark::load("ConvNet48_Dropout3", folder.path(), 32, Augmentation::LIGHT)
        .expect("the photos are readable");
    let ours = benchmark.images_a_second(seconds, true).expect("the CPU computes");
    println!("images a second, ConvNet48_Dropout3, batch 32, Adam, augmentation included");
    println!("{:<36}{:>10}{:>10}", "", "images/s", "ratio");
    println!("{:<36}{ours:>10.0}{:>10.2}", "doorplate train", 1.0);
    let row = |name: &str, theirs: f64| {
        println!("{name:<36}{theirs:>10.0}{:>10.2}", theirs / ours);
    };
    row(
        "Burn's autodiff on flex",
        benchmark.images_a_second(seconds, false).expect("the CPU computes"),
    );
    let start = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let python = PathBuf::from(env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
    let torch = Command::new(&python).args(["-c", TORCH, &seconds.to_string(), &threads]).output();
    match torch {
        Ok(output) if output.status.success() => {
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                if let Some((name, rate)) = line.split_once('\t') {
                    row(&format!("PyTorch, {name} (no loading)"), rate.parse().unwrap_or(0.0));
                }
            }
        }
        _ => println!(
            "PyTorch was left out: {} has no torch; name a Python that has it in PYTHON ({:.1} s)",
            python.display(),
            start.elapsed().as_secs_f64()
        ),
    }
}
