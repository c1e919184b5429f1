//! Telephone events: digits as RTP payload (RFC 4733), and as bodies of SIP INFO.
//!
//! ```
//! use core::time::Duration;
//! use rtp_core::telephone_event::{Event, EventCode, EventReceiver, EventSender};
//! use rtp_core::{Header, Packet, PayloadType, Ssrc};
//!
//! let mut sender = EventSender::new(Default::default());
//! let mut receiver = EventReceiver::new(Default::default());
//! sender.press(EventCode::from_digit('5').unwrap(), Duration::from_millis(100))?;
//!
//! let mut sequence = 0;
//! while let Some(now) = sender.poll_timeout() {
//!     // 8000 is where the RTP clock stands; it counts when an event begins.
//!     let Some(event) = sender.poll_transmit(now, 8000) else { continue };
//!     let header = Header {
//!         marker: event.marker,
//!         ..Header::new(PayloadType::new(101).unwrap(), sequence, event.timestamp, Ssrc(1))
//!     };
//!     let mut buf = [0; 16];
//!     header.write_packet(&event.payload, 0, &mut buf)?;
//!     receiver.handle_packet(now, &Packet::parse(&buf)?)?;
//!     sequence += 1;
//! }
//! assert_eq!(sequence, 7); // four updates and three times the end
//! assert_eq!(receiver.poll_event(), Some(Event::Started(EventCode(5))));
//! let duration = Duration::from_millis(100);
//! let ended = Event::Ended { code: EventCode(5), duration, complete: true };
//! assert_eq!(receiver.poll_event(), Some(ended));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod info;
mod receiver;
mod report;
mod sender;

pub use info::{InfoError, InfoEvent, InfoType, MAX_DURATION};
pub use receiver::{Event, EventReceiver, EventReceiverConfig};
pub use report::{EventCode, EventError, EventReport};
pub use sender::{EventPacket, EventSender, EventSenderConfig, PressError};
