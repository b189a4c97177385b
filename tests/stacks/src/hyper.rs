//! hyper 1: `send(limit, connection.try_send_request(request)).await`, over HTTP/1 or HTTP/2.
//!
//! The request names its `host`, which hyper does not add.

use std::{io, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use mobivate_response::SendOutcome;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

/// Connects, over HTTP/1. Nothing is sent yet: after an error, trying again is safe.
///
/// # Errors
///
/// There is no connection.
pub async fn connect(
    limit: Duration,
    host_and_port: &str,
) -> io::Result<http1::SendRequest<Full<Bytes>>> {
    let stream = timeout(limit, TcpStream::connect(host_and_port)).await??;
    stream.set_nodelay(true)?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (requests, connection) = handshake.map_err(io::Error::other)?;
    // Its error reaches the request that it concerns.
    tokio::spawn(async move { connection.await.ok() });
    Ok(requests)
}

/// Sends a message. hyper follows no redirect and unpacks no gzip: ask for neither.
///
/// # Errors
///
/// hyper gives the request back, so it never left: resending is safe, on a new connection.
pub async fn send(
    limit: Duration,
    reply: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<Full<Bytes>>>>>,
) -> Result<SendOutcome<'static>, hyper::Error> {
    let deadline = Instant::now() + limit;
    let mut reply = match timeout_at(deadline, reply).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) if error.message().is_some() => return Err(error.into_error()),
        // `Debug`, since `Display` leaves out the cause: a reset, say.
        Ok(Err(error)) => {
            return Ok(SendOutcome::no_response(format_args!("{:?}", error.into_error())));
        }
        Err(late) => return Ok(SendOutcome::no_response(late)),
    };
    let mut body = Vec::new();
    // A body that breaks off still counts: the status and what arrived say more than nothing.
    while let Ok(Some(Ok(frame))) = timeout_at(deadline, reply.frame()).await {
        body.extend(frame.into_data().unwrap_or_default());
    }
    Ok(SendOutcome::decode(reply.status().as_u16(), &body).into_owned())
}
