//! The process of `report-outcome`.

use report_outcome::{Input, figures, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), adapters::lambda::Error> {
    adapters::lambda::serve_alone(async |config, input: Input| {
        let output = handle(&input)?;
        if let Some(stack) = config.stack.value() {
            for figure in figures(&input, &output, stack) {
                shared::metrics::print(&figure);
            }
        }
        Ok(output)
    })
    .await
}
