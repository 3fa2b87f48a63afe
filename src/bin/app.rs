//! The page's main.

fn main() {
    doorplate::app::start();
}
