//! A task that wakes itself.
//!
//! The parts of a connection talk through channels, all in one task: each word is a wake-up of the
//! task by itself. The scheduler takes such a task for one that gives way, queues it, and rouses
//! another thread for it, which costs more than most requests. [`settle`] looks again in place
//! instead, a few times, until nobody inside has anything left to say.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// How often a task is looked at again before it gives way: it may be that others have to run first.
const LOOKS: u32 = 3;

/// Nobody has woken it since it was looked at.
const AT_REST: u8 = 0;
/// It is being looked at.
const LOOKING: u8 = 1;
/// Somebody has woken it.
const WOKEN: u8 = 2;

/// Keeps what a future wakes in itself from the scheduler.
pub(crate) async fn settle<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let alarm = Arc::new(Alarm::default());
    let waker = Waker::from(Arc::clone(&alarm));
    poll_fn(|cx| {
        alarm.task.register(cx.waker());
        for _ in 0..LOOKS {
            alarm.state.store(LOOKING, Ordering::Release);
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Poll::Ready(output);
            }
            if alarm.rests() {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

#[derive(Debug, Default)]
struct Alarm {
    state: AtomicU8,
    task: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(WOKEN, Ordering::AcqRel) == AT_REST {
            self.task.wake();
        }
    }
}

impl Alarm {
    /// Whether nobody has woken the task while it was looked at; the next who does wakes it.
    fn rests(&self) -> bool {
        let (held, free) = (Ordering::AcqRel, Ordering::Acquire);
        self.state
            .compare_exchange(LOOKING, AT_REST, held, free)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use futures_util::task::noop_waker_ref;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Polls once, and says how often the task was woken meanwhile.
    fn poll_once<F: Future>(future: Pin<&mut F>) -> (Poll<F::Output>, usize) {
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        let polled = future.poll(&mut Context::from_waker(&waker));
        (polled, counter.0.load(Ordering::SeqCst))
    }

    #[test]
    fn a_task_that_wakes_itself_is_looked_at_again_and_not_queued() {
        let mut looks = 0;
        let twice = poll_fn(|cx| {
            looks += 1;
            cx.waker().wake_by_ref();
            if looks == 2 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        let mut settled = pin!(settle(twice));
        assert_eq!(poll_once(settled.as_mut()), (Poll::Ready(()), 0));
    }

    #[test]
    fn one_that_never_stops_doing_so_gives_way() {
        let mut looks = 0;
        let restless = poll_fn(|cx| {
            looks += 1;
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let mut settled = Box::pin(settle(restless));
        assert_eq!(poll_once(settled.as_mut()), (Poll::Pending, 1));
        drop(settled);
        assert_eq!(looks, LOOKS);
    }

    #[test]
    fn a_wake_up_from_outside_reaches_the_task_once() {
        let seen = Mutex::new(None::<Waker>);
        let waiting = poll_fn(|cx| {
            *seen.lock().unwrap() = Some(cx.waker().clone());
            Poll::<()>::Pending
        });
        let counter = Arc::new(Counter::default());
        let waker = Waker::from(Arc::clone(&counter));
        let mut settled = pin!(settle(waiting));
        for round in 1..=2 {
            assert!(
                settled
                    .as_mut()
                    .poll(&mut Context::from_waker(&waker))
                    .is_pending()
            );
            let inside = seen.lock().unwrap().clone().unwrap();
            inside.wake_by_ref();
            inside.wake();
            assert_eq!(counter.0.load(Ordering::SeqCst), round);
        }
        assert!(
            settled
                .as_mut()
                .poll(&mut Context::from_waker(noop_waker_ref()))
                .is_pending()
        );
    }
}
