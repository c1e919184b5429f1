//! Where leads and events come in.
//!
//! | request | does |
//! |---|---|
//! | `POST /leads` | adds a lead |
//! | `GET /leads`, `GET /leads/{id}` | shows leads, and one with its history |
//! | `PUT /leads/{id}/status` | `{"status": "pressing"}` starts the process, any other ends it |
//! | `POST /events` | `{"kind": "call", "from": "+7…"}` or `{"kind": "letter", "from": "a@b.c"}` |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Request, State, rejection::JsonRejection},
    http::{StatusCode, header::AUTHORIZATION},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tracing::{error, info};

use crate::{
    engine::Rules,
    lead::{Event, NewLead},
    store::Store,
};

/// What requests share.
#[derive(Clone)]
pub struct Service {
    store: Arc<Mutex<Store>>,
    rules: Arc<Rules>,
    changed: Arc<dyn Fn() + Send + Sync>,
}

impl Service {
    /// A service on its own connection to the database; `changed` is called after each change.
    pub fn new(store: Store, rules: Rules, changed: impl Fn() + Send + Sync + 'static) -> Self {
        let store = Arc::new(Mutex::new(store));
        Self { store, rules: Arc::new(rules), changed: Arc::new(changed) }
    }

    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/leads", post(add).get(list))
            .route("/leads/{id}", get(show))
            .route("/leads/{id}/status", put(set_status))
            .route("/events", post(take_event))
            .layer(DefaultBodyLimit::max(64 * 1024))
            .layer(from_fn_with_state(self.clone(), authorize))
            .with_state(self)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A transaction that panicked was rolled back.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn authorize(State(service): State<Service>, request: Request, next: Next) -> Response {
    if let Some(token) = &service.rules.config.token {
        let given = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if given.and_then(|value| value.strip_prefix("Bearer ")) != Some(token) {
            return problem(StatusCode::UNAUTHORIZED, "the token is missing or wrong");
        }
    }
    next.run(request).await
}

async fn add(
    State(service): State<Service>,
    body: Result<Json<NewLead>, JsonRejection>,
) -> Response {
    let Json(lead) = match body {
        Ok(lead) => lead,
        Err(rejection) => return problem(rejection.status(), &rejection.body_text()),
    };
    if service.rules.config.person(&lead.responsible).is_none() {
        let text = format!("no responsible person {:?} in the configuration", lead.responsible);
        return problem(StatusCode::UNPROCESSABLE_ENTITY, &text);
    }
    if lead.email.parse::<lettre::Address>().is_err() {
        let text = format!("{:?} is no address", lead.email);
        return problem(StatusCode::UNPROCESSABLE_ENTITY, &text);
    }
    let added = service.rules.add(&mut service.store(), &lead, Timestamp::now());
    match added {
        Ok(id) => {
            info!(lead = id, "added");
            (service.changed)();
            (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
        }
        Err(failure) => internal(&failure),
    }
}

async fn list(State(service): State<Service>) -> Response {
    let leads = service.store().leads();
    match leads {
        Ok(leads) => Json(leads).into_response(),
        Err(failure) => internal(&failure),
    }
}

async fn show(State(service): State<Service>, Path(id): Path<i64>) -> Response {
    let found = {
        let store = service.store();
        store.lead(id).and_then(|lead| Ok((lead, store.history(id)?)))
    };
    match found {
        Ok((Some(lead), history)) => {
            Json(json!({ "lead": lead, "history": history })).into_response()
        }
        Ok((None, _)) => problem(StatusCode::NOT_FOUND, "no such lead"),
        Err(failure) => internal(&failure),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: String,
}

async fn set_status(
    State(service): State<Service>,
    Path(id): Path<i64>,
    body: Result<Json<NewStatus>, JsonRejection>,
) -> Response {
    let Json(NewStatus { status }) = match body {
        Ok(status) => status,
        Err(rejection) => return problem(rejection.status(), &rejection.body_text()),
    };
    let done = service.rules.set_status(&mut service.store(), id, &status, Timestamp::now());
    match done {
        Ok(true) => {
            info!(lead = id, status, "status");
            (service.changed)();
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(false) => problem(StatusCode::NOT_FOUND, "no such lead"),
        Err(failure) => internal(&failure),
    }
}

async fn take_event(
    State(service): State<Service>,
    body: Result<Json<Event>, JsonRejection>,
) -> Response {
    let Json(event) = match body {
        Ok(event) => event,
        Err(rejection) => return problem(rejection.status(), &rejection.body_text()),
    };
    let ended = service.rules.take_event(&mut service.store(), &event, Timestamp::now());
    match ended {
        Ok(ended) => {
            info!(kind = ?event.kind, ended = ended.len(), "event");
            (service.changed)();
            Json(json!({ "ended": ended })).into_response()
        }
        Err(failure) => internal(&failure),
    }
}

fn problem(status: StatusCode, text: &str) -> Response {
    (status, Json(json!({ "error": text }))).into_response()
}

fn internal(failure: &anyhow::Error) -> Response {
    error!("{failure:#}");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "the database cannot be used now; see the log")
}
