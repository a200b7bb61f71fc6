//! lockgate.

fn main() {}
