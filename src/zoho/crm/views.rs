//! The custom views of a module.

use jiff::Timestamp;

use super::answer;
use super::error::{CrmError, instant};
use super::wire;
use super::{Crm, Method};
use crate::domain::ids::{ModuleName, RecordId};
use crate::zoho::http::Request;

/// Pages that are followed; an organisation with more views than that has another problem.
const PAGES_MAX: u32 = 50;

/// A custom view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its id.
    pub id: RecordId,
    /// Its name.
    pub name: String,
    /// What people see, which may be translated.
    pub display: Option<String>,
    /// When its definition was last changed; views that the CRM brings along have no such time.
    pub modified_at: Option<Timestamp>,
}

impl Crm {
    /// The custom views of a module that the token's user may see.
    ///
    /// # Errors
    /// Any [`CrmError`]; a module that does not exist is [`Failure::Configuration`](crate::domain::failure::Failure).
    pub async fn views(&self, module: &ModuleName) -> Result<Vec<View>, CrmError> {
        let mut views: Vec<View> = Vec::new();
        for number in 1..=PAGES_MAX {
            let page = self.views_page(module, number).await;
            let page = page.map_err(|error| error.of_module(module))?;
            let more = page
                .info
                .is_some_and(|info| info.more_records == Some(true));
            let known = views.len();
            for view in page.custom_views.into_iter().filter_map(view) {
                if !views.iter().any(|other| other.id == view.id) {
                    views.push(view);
                }
            }
            if !more || views.len() == known {
                break;
            }
        }
        Ok(views)
    }

    async fn views_page(&self, module: &ModuleName, number: u32) -> Result<wire::Views, CrmError> {
        let method = Method::Views;
        let read =
            |answer| answer::listed(method, &answer, |it: &wire::Views| it.custom_views.len());
        let request = |base: &str| {
            let mut query = vec![("module", module.to_string())];
            // Without it the first page comes, also where pages are unheard of.
            query.extend((number > 1).then(|| ("page", number.to_string())));
            Request::get(format!("{base}/settings/custom_views"), query)
        };
        self.get(method, request, read).await
    }
}

/// A view that can be asked for: it has an id and something to call it by.
fn view(view: wire::View) -> Option<View> {
    let name = view.name.or_else(|| view.display_value.clone())?;
    Some(View {
        id: answer::id(Some(&view.id)).ok()?,
        name,
        display: view.display_value,
        modified_at: view.modified_time.and_then(|text| instant(&text).ok()),
    })
}
