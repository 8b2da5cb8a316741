//! When does somebody ask the program to stop?

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

/// Waits for Ctrl-C or, where there are such things, SIGTERM and the end of the terminal. Without a way to hear of them it
/// waits for ever, and they end the program as they always do.
pub(super) async fn asked() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;
        tokio::select! {
            () = received(SignalKind::terminate()) => {}
            () = received(SignalKind::hangup()), if !outlives_its_terminal() => {}
            () = interrupted() => {}
        }
    }
    #[cfg(not(unix))]
    interrupted().await;
}

#[cfg(unix)]
async fn received(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}

/// Whether `nohup` started it: SIGHUP is ignored then, and must stay so. Linux alone tells (proc_pid_status(5), `SigIgn`:
/// a bit for each ignored signal, SIGHUP the lowest).
#[cfg(unix)]
fn outlives_its_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    ignored.is_some_and(|ignored| ignored & 1 == 1)
}

/// Becomes true when somebody asks the program to stop; from here on that does not end it.
pub(super) fn flag() -> Arc<AtomicBool> {
    let asked_for = Arc::new(AtomicBool::new(false));
    let told = asked_for.clone();
    let (listens, listening) = mpsc::channel();
    let wait = move || {
        // Without a runtime nobody hears of it, and it ends the program as it always does.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            // The first is asked first: it listens when the second has its turn.
            runtime.block_on(async { tokio::join!(asked(), async { drop(listens) }) });
            told.store(true, Ordering::Relaxed);
        }
    };
    std::thread::spawn(wait);
    // Nothing is ever sent: it ends when the thread listens, or cannot.
    let _: Result<(), mpsc::RecvError> = listening.recv();
    asked_for
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
