//! Several questions at once, so that one that gets no answer does not hold up
//! the others until the function is cut off.

use std::future::poll_fn;
use std::task::Poll;

/// Drives all futures at once, until all are done. For the few of one batch:
/// each is polled whenever one of them can go on.
pub(crate) async fn all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = futures
        .into_iter()
        .map(|future| (Box::pin(future), None))
        .collect();
    poll_fn(|context| {
        let mut done = true;
        for (future, output) in &mut all {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(ready) => *output = Some(ready),
                    Poll::Pending => done = false,
                }
            }
        }
        if done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    all.into_iter().filter_map(|(_, output)| output).collect()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn each_goes_on_while_another_one_waits() {
        let (sender, receiver) = oneshot::channel();
        let mut sender = Some(sender);
        let mut receiver = Some(receiver);
        // The first one waits for the second.
        let outputs = all([0, 1].map(|n| {
            let (sender, receiver) = match n {
                0 => (None, receiver.take()),
                _ => (sender.take(), None),
            };
            async move {
                if let Some(sender) = sender {
                    sender.send(7).unwrap();
                }
                match receiver {
                    Some(receiver) => receiver.await.unwrap(),
                    None => 8,
                }
            }
        }))
        .await;
        assert_eq!(outputs, [7, 8]);
    }
}
