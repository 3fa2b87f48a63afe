//! The native program.

/// Training allocates and frees large tensors at every step; this allocator keeps their memory
/// instead of giving it back to the system each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    doorplate::cli::main()
}
