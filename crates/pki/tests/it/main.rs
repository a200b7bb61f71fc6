//! The public API, with openssl, curl, docker and rustls as judges.
