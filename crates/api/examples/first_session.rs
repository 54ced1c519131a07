//! One bid just below the best ask, by a session that outlives its connections; what becomes of it is told until it is over.

use hourbook_api::client::{Client, Error, Event, Session, SessionOptions, Subscription, decimal};
use hourbook_api::v1::{NewOrder, Side};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let [key, account, symbol]: [String; 3] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().expect("KEY ACCOUNT SYMBOL");
    let client = Client::connect("http://127.0.0.1:7070", &key, None).await?;

    let mut feed = client.feed(Subscription::new().symbol(&symbol).levels()).await?;
    let ask = loop {
        feed.next().await?;
        match feed.by_symbol(&symbol) {
            Some(one) if feed.is_whole(one.id) => break one.best_ask(),
            _ => {}
        }
    };
    let Some(ask) = ask else {
        println!("nobody offers {symbol}");
        return Ok(());
    };
    println!("{} lots are offered at {}", ask.quantity, decimal(ask.price_micros));

    let options = SessionOptions {
        cancel_on_disconnect: true,
        ..SessionOptions::new(account.parse().expect("ACCOUNT is a number"), "rust")
    };
    let Session { mut entries, mut events } = client.session(options).await?;
    let bid = NewOrder::limit(&symbol, Side::Buy, ask.price_micros - 100, 1).post_only();
    let placed = entries.place("rust-1", bid).await?;
    while let Some(event) = events.next().await? {
        match event {
            Event::Report { report, answers: Some(number) } if number == placed => {
                println!("{} {}", report.kind().as_str_name(), decimal(report.price_micros));
                entries.cancel("rust-1").await?;
            }
            Event::Report { report, .. } => {
                println!("{}", report.kind().as_str_name());
                entries.log_off().await?;
            }
            // Not done, and why; or the connection went, or is back: nothing is to be done about that.
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
