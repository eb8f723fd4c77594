#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use futures_util::future::{join_all, poll_immediate};

use super::*;

fn pool(core: usize, max: usize, queue: usize, rejection: RejectionPolicy) -> Executor {
    Executor::new(ExecutorSettings {
        core_size: core,
        max_size: max,
        queue_capacity: queue,
        rejection,
        ..ExecutorSettings::default()
    })
}

async fn place(pool: &Executor) -> Permit {
    match poll_immediate(pool.admit()).await {
        Some(Admission::Granted(permit)) => permit,
        other => panic!("expected a place, got {other:?}"),
    }
}

#[tokio::test]
async fn core_runs_then_the_line_fills_then_up_to_max_run_then_the_policy_speaks() {
    for (policy, caller_runs) in [
        (RejectionPolicy::CallerRuns, true),
        (RejectionPolicy::Abort, false),
    ] {
        let pool = pool(1, 2, 1, policy);
        let _core = place(&pool).await;
        let mut waits = Box::pin(pool.admit());
        assert!(poll_immediate(&mut waits).await.is_none());
        let _extra = place(&pool).await;
        assert_eq!(pool.load(), (2, 1));
        match poll_immediate(pool.admit()).await {
            Some(Admission::CallerRuns) => assert!(caller_runs),
            Some(Admission::Refused) => assert!(!caller_runs),
            other => panic!("a full pool answered {other:?}"),
        }
    }
}

#[tokio::test]
async fn the_line_is_served_in_the_order_of_arrival() {
    let pool = pool(1, 1, 10, RejectionPolicy::CallerRuns);
    let first = place(&pool).await;
    let mut line: Vec<_> = (0..3).map(|_| Box::pin(pool.admit())).collect();
    for waiting in &mut line {
        assert!(poll_immediate(waiting).await.is_none());
    }
    assert!(pool.is_contended());
    let mut held = Some(first);
    for turn in 0..3 {
        drop(held.take());
        for later in &mut line[turn + 1..] {
            assert!(poll_immediate(later).await.is_none());
        }
        match poll_immediate(&mut line[turn]).await {
            Some(Admission::Granted(permit)) => held = Some(permit),
            other => panic!("turn {turn}: {other:?}"),
        }
    }
    assert!(!pool.is_contended());
    drop(held);
    assert_eq!(pool.load(), (0, 0));
}

#[tokio::test]
async fn who_leaves_the_line_keeps_no_place_in_it_and_loses_none_for_others() {
    let pool = pool(1, 1, 2, RejectionPolicy::Abort);
    let held = place(&pool).await;
    let mut leaves = Box::pin(pool.admit());
    let mut stays = Box::pin(pool.admit());
    assert!(poll_immediate(&mut leaves).await.is_none());
    assert!(poll_immediate(&mut stays).await.is_none());
    drop(leaves);
    assert_eq!(pool.load(), (1, 1));

    // A place that was given and not yet taken goes on to the next in line.
    let mut next = Box::pin(pool.admit());
    assert!(poll_immediate(&mut next).await.is_none());
    drop(held);
    drop(stays);
    assert!(matches!(
        poll_immediate(&mut next).await,
        Some(Admission::Granted(_))
    ));
    drop(next);
    assert_eq!(pool.load(), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_max_size_run_at_once_and_everybody_gets_a_turn() {
    let pool = pool(3, 3, 500, RejectionPolicy::CallerRuns);
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let consumers = (0..40).map(|_| {
        let (pool, now, most) = (pool.clone(), Arc::clone(&now), Arc::clone(&most));
        tokio::spawn(async move {
            for _ in 0..50 {
                let Admission::Granted(_permit) = pool.admit().await else {
                    panic!("the line is long enough for all");
                };
                let running = now.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(running, Ordering::SeqCst);
                tokio::task::yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
            }
        })
    });
    for done in join_all(consumers).await {
        done.unwrap();
    }
    assert_eq!(most.load(Ordering::SeqCst), 3);
    assert_eq!(pool.load(), (0, 0));
}

#[tokio::test]
async fn plain_functions_run_on_named_threads_no_more_than_needed() {
    let pool = pool(4, 4, 0, RejectionPolicy::CallerRuns);
    let name = || thread_name().unwrap();
    let alone = pool.run_on_thread(name).await.unwrap();
    assert_eq!(alone, "rabbitExecutor-1");

    // All four at once: each waits for the others, so that each needs a thread of its own.
    let meet = Arc::new(Barrier::new(4));
    let names = join_all((0..4).map(|_| {
        let meet = Arc::clone(&meet);
        pool.run_on_thread(move || {
            meet.wait();
            thread_name().unwrap()
        })
    }))
    .await;
    let names: BTreeSet<String> = names.into_iter().map(Option::unwrap).collect();
    let expected: BTreeSet<String> = (1..=4).map(|n| format!("rabbitExecutor-{n}")).collect();
    assert_eq!(names, expected);
}

fn thread_name() -> Option<String> {
    std::thread::current().name().map(str::to_owned)
}

#[tokio::test]
async fn a_panic_on_a_thread_harms_nobody_else() {
    let pool = pool(1, 1, 0, RejectionPolicy::CallerRuns);
    let nothing: Option<()> = pool.run_on_thread(|| panic!("provoked")).await;
    assert_eq!(nothing, None);
    assert_eq!(
        pool.run_on_thread(|| thread_name().unwrap()).await.unwrap(),
        "rabbitExecutor-1"
    );
}

#[tokio::test]
async fn a_plain_function_may_use_the_runtime() {
    let pool = pool(1, 1, 0, RejectionPolicy::CallerRuns);
    let seven = pool
        .run_on_thread(|| tokio::runtime::Handle::current().block_on(async { 7 }))
        .await;
    assert_eq!(seven, Some(7));
}
