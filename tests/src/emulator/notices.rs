//! What the deployed system tells the outside: its events, and the notices to people.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::aws::Aws;
use super::{ACCOUNT, REGION};

/// A queue of our own that every event of the system's own and every notice to people
/// goes to.
#[derive(Debug)]
pub struct Notices {
    aws: Aws,
    queue: String,
    seen: Mutex<Vec<Value>>,
}

impl Notices {
    /// Listens to the events of source `crdb-privatelink` and to a topic.
    pub async fn listen(aws: &Aws, topic: &str) -> Self {
        let name = "seen-by-the-test";
        let arn = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}");
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn,
        }]});
        let asked = json!({"QueueName": name, "Attributes": {"Policy": policy.to_string()}});
        let queue = aws.call("sqs", "AmazonSQS.CreateQueue", asked).await;
        aws.call(
            "events",
            "AWSEvents.PutRule",
            json!({"Name": name, "EventPattern": json!({"source": ["crdb-privatelink"]}).to_string()}),
        )
        .await;
        let targets = json!({"Rule": name, "Targets": [{"Id": "queue", "Arn": arn}]});
        aws.call("events", "AWSEvents.PutTargets", targets).await;
        aws.query(
            "sns",
            &[
                ("Action", "Subscribe"),
                ("Version", "2010-03-31"),
                ("TopicArn", topic),
                ("Protocol", "sqs"),
                ("Endpoint", &arn),
            ],
        )
        .await;
        Self {
            aws: aws.clone(),
            queue: queue["QueueUrl"].as_str().expect("its URL").to_owned(),
            seen: Mutex::default(),
        }
    }

    /// Everything that came so far: events, and `{"Type": "Notification", "Message": …}`
    /// for what people get.
    pub async fn all(&self) -> Vec<Value> {
        let mut seen = self.seen.lock().await;
        loop {
            let asked = json!({"QueueUrl": self.queue, "MaxNumberOfMessages": 10});
            let answer = self
                .aws
                .call("sqs", "AmazonSQS.ReceiveMessage", asked)
                .await;
            let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
            if messages.is_empty() {
                return seen.clone();
            }
            for message in messages {
                let asked =
                    json!({"QueueUrl": self.queue, "ReceiptHandle": message["ReceiptHandle"]});
                self.aws.call("sqs", "AmazonSQS.DeleteMessage", asked).await;
                let body = message["Body"].as_str().unwrap_or_default();
                seen.push(serde_json::from_str(body).unwrap_or_else(|_| json!(body)));
            }
        }
    }

    /// The first event of this kind about this connection.
    ///
    /// # Panics
    /// If none comes.
    pub async fn event(&self, kind: &str, connection: &str) -> Value {
        let what = format!("the event {kind} of {connection} comes");
        super::until(&what, Duration::from_secs(10), async || {
            self.all().await.into_iter().find(|event| {
                event["detail-type"] == kind && event["detail"]["connection_id"] == connection
            })
        })
        .await
    }

    /// The first notice to people that has all these words.
    ///
    /// # Panics
    /// If none comes.
    pub async fn notice(&self, words: &[&str]) -> String {
        let what = format!("a notice with {words:?} comes");
        super::until(&what, Duration::from_secs(10), async || {
            let all = self.all().await;
            let mut notices = all
                .iter()
                .filter(|notice| notice["Type"] == "Notification")
                .filter_map(|notice| notice["Message"].as_str());
            notices
                .find(|text| words.iter().all(|word| text.contains(word)))
                .map(str::to_owned)
        })
        .await
    }
}
