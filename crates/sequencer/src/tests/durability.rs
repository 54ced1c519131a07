//! Nothing that was told is lost.

use super::desk::*;
use hourbook_model::*;

#[test]
fn what_was_acknowledged_is_there_after_a_restart() {
    let place = Place::new();
    let first = place.start();
    assert_eq!(first.recovered.stamp, Stamp::default());
    let hour = first.open_market();
    let sell = first.order(1, "a-1", hour, Side::Sell).wait().unwrap();
    let buy = first.order(2, "b-1", hour, Side::Buy).wait().unwrap();
    assert_eq!(sell.answer.refused, None);
    assert_eq!(buy.answer.cumulative, Quantity(1), "{:?}", buy.answer);
    let (stamp, hash, ended) = first.stop();
    ended.unwrap();

    let second = place.start();
    assert_eq!((second.recovered.stamp, second.recovered.state_hash), (stamp, hash));
    assert_eq!(second.recovered.cut, None);
    // The same request again gives the first answer, and happens no second time.
    let again = second.order(2, "b-1", hour, Side::Buy).wait().unwrap();
    assert!(again.answer.repeated);
    assert_eq!(again.answer.order, buy.answer.order);
}
