//! The fake, asked over real sockets: what tests of the product rely on.

mod client;
mod conversations;
mod faults;
mod formatting;
mod hook;
mod limits;
mod people;
mod polling;
mod profile;
mod sending;
mod topics;
mod webhook;
