//! When does somebody ask the program to stop?

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

async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
