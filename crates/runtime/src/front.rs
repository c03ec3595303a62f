//! Threads of its own for what people wait for.
//!
//! The work of the stages comes in pieces of milliseconds that no task can interrupt: on shared threads a request waits
//! behind whatever of it is queued. On its own the operating system shares the cores between the two, and wakes who
//! slept first.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// One is enough: what is done here is short, and what is long waits for the ledger.
const THREADS: usize = 1;

/// Niceness of the threads that [`step_back`]: a third of the share of the others while all are busy.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

/// For the threads of the stages in a process that has its servers beside it: they let those go first that they wait for
/// themselves. Transactions end sooner then, and what is public stays quick.
pub fn step_back() {
    // Elsewhere than on Linux it would be the whole process. Where it is not allowed all goes on as before.
    #[cfg(target_os = "linux")]
    rustix::process::setpriority_process(None, NICE).unwrap_or_default();
}

/// A second runtime in the process. Ends with it: what still runs there is cut off.
#[derive(Debug)]
pub struct Front(Option<Runtime>);

impl Front {
    /// # Errors
    /// The operating system gives no thread.
    pub fn start() -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(THREADS).thread_name("front").enable_all();
        Ok(Self(Some(builder.build()?)))
    }

    /// Where to run something: see [`crate::lifecycle::Lifecycle::on`].
    ///
    /// # Panics
    /// Never: it is taken when it is dropped only.
    pub fn handle(&self) -> &Handle {
        self.0.as_ref().expect("it runs until it is dropped").handle()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // A runtime that is dropped inside another one would wait, and that panics.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
