//! How threads share the cores: who hears clients goes on, who works behind them waits until a core is free.

use std::sync::Once;

/// From here on this thread, and what it starts, interrupts nobody when it is woken: it runs once a core is free, or its
/// turn has come. For threads that find the more to do at once the later they look, as the writer does behind the
/// gateway. Who runs under another policy than the common one was put there by the operator, and stays. Where the system
/// does not have it, or forbids it, everything works as before, with more switches.
pub fn interrupt_nobody() {
    #[cfg(target_os = "linux")]
    {
        #[expect(
            unsafe_code,
            reason = "changes how the calling thread is scheduled; `none` outlives the call"
        )]
        let answer = unsafe {
            let none = libc::sched_param { sched_priority: 0 };
            match libc::sched_getscheduler(0) {
                libc::SCHED_OTHER => libc::sched_setscheduler(0, libc::SCHED_BATCH, &none),
                _ => 0,
            }
        };
        if answer != 0 {
            static SAID: Once = Once::new();
            let error = std::io::Error::last_os_error();
            SAID.call_once(|| {
                tracing::warn!(%error, "threads behind the gateway may interrupt it: sched_setscheduler is not allowed");
            });
        }
    }
}

/// From here on this thread takes what the others leave: a snapshot applies every command a second time, and may be
/// late; an answer may not.
pub(crate) fn give_way() {
    const LOWEST: i32 = 19;
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), LOWEST) {
        tracing::warn!(%error, "snapshots run at the priority of everything else");
    }
}
