//! The requirements of the OCI runtime specification, one case each, named by its section: first on runc
//! and crun, which proves the cases, then on lockgate-oci.
//!
//! A runtime that is known not to do what its version of the specification asks for is left out of that
//! case, with the reason beside it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

mod case;

/// One requirement, as a test on each of the runtimes.
macro_rules! case {
    ($section:literal, $name:ident, [$($runtime:ident),+], $test:expr) => {
        #[doc = $section]
        mod $name {
            use super::*;
            $(
                #[test]
                fn $runtime() {
                    let test: fn(&mut Case) = $test;
                    let mut case = Case::new(crate::case::Runtime::$runtime());
                    test(&mut case);
                }
            )+
        }
    };
    ($section:literal, $name:ident, $test:expr) => {
        case!($section, $name, [runc, crun, lockgate], $test);
    };
}

mod config;
mod hooks;
mod lifecycle;
mod linux;
mod mounts;
