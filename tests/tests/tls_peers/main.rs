//! TLS with others' programs, over loopback: openssl, Python and curl, in both roles.

mod bad_certificates;
mod curl;
mod openssl_clients;
mod openssl_servers;
mod python;
mod stage;
