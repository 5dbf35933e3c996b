//! Runs work on many items in parallel, on its own threads.

use std::num::NonZero;
use std::thread;

/// Runs `work` on all items, on as many threads as there are processors. Returns the results in order.
///
/// # Errors
///
/// An error of `work`.
pub(crate) fn in_parallel<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(usize, &T) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    // Every n-th item to one thread: neighbours in a list tend to be alike in size.
    let share = |first: usize| {
        let share = (first..items.len()).step_by(threads);
        share
            .map(|at| work(at, &items[at]))
            .collect::<Result<Vec<R>, E>>()
    };
    if threads == 1 || items.len() < threads * 2 {
        return items
            .iter()
            .enumerate()
            .map(|(at, item)| work(at, item))
            .collect();
    }
    let shares: Vec<_> = thread::scope(|scope| {
        let handles: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || share(first)))
            .collect();
        handles
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect()
    });
    let mut results = Vec::with_capacity(items.len());
    let mut shares_in_order = Vec::with_capacity(threads);
    for share in shares {
        let share = share.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        shares_in_order.push(share.into_iter());
    }
    for at in 0..items.len() {
        results.extend(shares_in_order[at % threads].next());
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_results_keep_the_order_of_items() {
        let items: Vec<usize> = (0..103).collect();
        let doubled = in_parallel(&items, |at, item| Ok::<_, ()>(at + item)).unwrap();
        assert_eq!(
            doubled,
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
    }
}
