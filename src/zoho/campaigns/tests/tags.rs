//! Tags: one call a contact, three for the first.

use super::*;

const UNKNOWN_TAG: &str = r#"{"status":"error","code":"9001","message":"no tag"}"#;

#[tokio::test]
async fn a_tag_is_put_on_a_contact_with_a_form_and_made_where_there_is_none() {
    let stage = stage(&[UNKNOWN_TAG, DONE, DONE, DONE]).await;
    let ada = address("ada@example.org");
    for _ in 0..2 {
        let tagged = stage.campaigns.tag("Gone", &ada).await;
        assert_eq!(tagged.unwrap(), Tagged::Done);
    }
    let seen = stage.server.seen();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    let [associate, add] = ["/api/v1.1/tag/associate", "/api/v1.1/tag/add"];
    assert_eq!(paths, [associate, add, associate, associate]);
    assert!(seen.iter().all(|seen| seen.query.is_empty()));
    assert_eq!(seen[0].form("tagName").as_deref(), Some("Gone"));
    assert_eq!(
        seen[0].form("lead_email").as_deref(),
        Some("ada@example.org")
    );
    assert_eq!(seen[1].form("lead_email"), None);
}

#[tokio::test]
async fn a_contact_that_is_none_is_no_error_and_a_tag_that_cannot_be_made_is_one() {
    let ada = address("ada@example.org");
    let stranger = stage(&[r#"{"status":"error","Code":"993"}"#]).await;
    let tagged = stranger.campaigns.tag("Gone", &ada).await;
    assert_eq!(tagged.unwrap(), Tagged::NotAContact);
    let in_vain = stage(&[UNKNOWN_TAG, DONE, UNKNOWN_TAG]).await;
    let tagged = in_vain.campaigns.tag("Gone", &ada).await;
    assert_eq!(tagged.unwrap_err().failure(), Failure::Refused);
    assert_eq!(in_vain.server.seen().len(), 3);
}
