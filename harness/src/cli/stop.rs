//! When does somebody ask the program to stop?

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Waits for Ctrl-C or, where there is such a thing, SIGTERM. Without a way to hear of them it waits for ever, and they
/// end the program as they always do.
pub(super) async fn asked() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                () = interrupted() => return,
            }
        }
    }
    interrupted().await;
}

/// Becomes true when somebody asks the program to stop; from here on that does not end it.
pub(super) fn flag() -> Arc<AtomicBool> {
    let asked_for = Arc::new(AtomicBool::new(false));
    let told = asked_for.clone();
    let wait = move || {
        // Without a runtime nobody hears of it, and it ends the program as it always does.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        if let Ok(runtime) = runtime {
            runtime.block_on(asked());
            told.store(true, Ordering::Relaxed);
        }
    };
    std::thread::spawn(wait);
    asked_for
}

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
