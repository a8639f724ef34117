//! The process of `report-outcome`.

use report_outcome::{Input, figures, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve_alone(async |_, input: Input| {
        let output = handle(&input)?;
        for figure in figures(&input, &output.outcome) {
            shared::metrics::print(&figure);
        }
        Ok(output)
    })
    .await
}
