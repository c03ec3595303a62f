//! Over plain TCP: what matters is the bytes.

mod answers;
mod basics;
mod client;
mod errors;
mod interruptions;
mod pace;
mod plans;
mod refusals;
mod splits;
mod vectors;
