//! lockgated.

fn main() {}
