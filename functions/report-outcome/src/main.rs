//! The process of `report-outcome`.

use report_outcome::{Input, figures, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve_alone(async |_, input: Input| {
        let outcome = handle(&input)?;
        for figure in figures(&input, &outcome) {
            shared::metrics::print(&figure);
        }
        Ok(outcome)
    })
    .await
}
