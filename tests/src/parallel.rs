//! Many runs on as many threads as there are cores.

/// Works on all jobs and answers in their order.
///
/// # Panics
/// When one of them does.
pub fn in_parallel<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let work = &work;
    std::thread::scope(|scope| {
        let share = |worker: usize| {
            // On a small stack the JSONata library would map a new one for every
            // expression, which takes most of the time.
            let builder = std::thread::Builder::new().stack_size(64 << 20);
            let share = jobs.iter().enumerate().skip(worker).step_by(workers);
            builder
                .spawn_scoped(scope, move || {
                    share
                        .map(|(index, job)| (index, work(job)))
                        .collect::<Vec<_>>()
                })
                .expect("a thread")
        };
        let threads: Vec<_> = (0..workers).map(share).collect();
        let mut done: Vec<(usize, R)> = threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("the work of a thread"))
            .collect();
        done.sort_by_key(|(index, _)| *index);
        done.into_iter().map(|(_, result)| result).collect()
    })
}
