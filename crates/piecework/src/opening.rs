//! How a handle on something of a manager is made, whichever typeid it is registered under.
use piecework_wire::request::ArgOut;

use crate::connection::Connection;
use crate::error::{CallError, Missing, OpenError};
use crate::place::Place;

/// What a manager has made: the ident that calls name it by, and its methods.
pub(crate) struct Opened {
    pub(crate) ident: String,
    methods: Vec<String>,
}

impl Opened {
    pub(crate) fn has(&self, method: &str) -> bool {
        self.methods.iter().any(|known| known == method)
    }
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) place: &'a Place,
    /// A queue, or the type of an object.
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

impl Wanted<'_> {
    /// Asks for each typeid in turn.
    pub(crate) async fn open(self, typeids: &[String]) -> Result<Opened, OpenError> {
        let mut first_refusal = None;
        for typeid in typeids {
            match Connection::call_once(self.place, "create", &[ArgOut::Str(typeid)]).await {
                Ok(created) => {
                    let created = created.created();
                    let (ident, methods) = created.map_err(|error| self.place.protocol(error))?;
                    return Ok(Opened { ident, methods });
                }
                Err(CallError::Remote { class, message }) if class == "KeyError" => {
                    first_refusal.get_or_insert(message);
                }
                Err(error) => return Err(error.into()),
            }
        }
        let (tried, said) = (typeids.join(", "), first_refusal.unwrap_or_default());
        Err(self.missing(format!("it refused {tried} with {said:?}")))
    }

    pub(crate) fn missing(self, why: String) -> OpenError {
        let (kind, name) = (self.kind.to_owned(), self.name.to_owned());
        OpenError::Missing(Box::new(Missing { address: self.place.to_string(), kind, name, why }))
    }
}
