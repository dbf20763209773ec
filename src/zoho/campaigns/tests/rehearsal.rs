//! A client that leaves out what would change anything.

use super::*;
use crate::domain::pacing::{CALL_TAKES, Forecast};

#[tokio::test]
async fn a_rehearsal_reads_and_leaves_out_what_would_change_anything() {
    let count = r#"{"status":"success","code":"0","no_of_contacts":"7"}"#;
    let stage = stage(&[count]).await;
    let begins_at = "2026-11-22T02:00:00Z".parse().unwrap();
    let forecast = Forecast::new(None, begins_at, 1, CALL_TAKES);
    assert_eq!(stage.campaigns.rehearsed(), None);
    let campaigns = stage.campaigns.rehearsing(forecast);
    let ann = cleared("ann@example.org", &[]);
    let two = [
        cleared("ann@example.org", &[]),
        cleared("ben@example.org", &[]),
    ];
    assert_eq!(campaigns.subscribe(&ann).await.unwrap(), Reply::Accepted);
    assert_eq!(
        campaigns.subscribe_bulk(&two).await.unwrap(),
        [Reply::Accepted, Reply::Accepted]
    );
    let off = campaigns.unsubscribe(&list(), ann.address()).await;
    assert_eq!(off.unwrap(), Reply::Accepted);
    assert_eq!(campaigns.count(&list(), Status::Active).await.unwrap(), 7);
    let seen = stage.server.seen();
    assert_eq!(seen.len(), 1, "only the count is asked for");
    assert_eq!(seen[0].path, "/api/v1.1/listsubscriberscount");
    assert_eq!(stage.meter.snapshot().campaigns_calls, 4);
    assert_eq!(campaigns.rehearsed(), Some(3 * CALL_TAKES));
}
