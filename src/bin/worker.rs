//! The engine in its web worker.

fn main() {
    doorplate::worker::main();
}
