//! The metadata as people in the CRM change it.

use jiff::Timestamp;

use super::Crm;
use super::control::{MarkedView, ModuleChange, NamedCriteria, Renamed};
use super::criteria::{Criteria, Flaw};
use super::edit::EditError;
use super::module::Module;
use super::view::View;

impl Crm {
    /// Changes what a module's metadata says; `modified_time` of views moves with their definition.
    pub(crate) fn change_module(
        &mut self,
        api_name: &str,
        change: ModuleChange,
    ) -> Result<(), EditError> {
        let now = self.now();
        for named in [&change.change_view, &change.add_view]
            .into_iter()
            .flatten()
        {
            if let Some(criteria) = &named.criteria {
                self.sensible(api_name, criteria)?;
            }
        }
        let module = self
            .module_mut(api_name)
            .ok_or_else(|| EditError::Module(api_name.to_owned()))?;
        module.visible = change.visible.unwrap_or(module.visible);
        module.api_supported = change.api_supported.unwrap_or(module.api_supported);
        if let Some(label) = change.plural_label {
            module.plural = label;
        }
        if let Some(Renamed { from, to }) = change.rename_view {
            let view = view_mut(module, &from)?;
            view.name = to;
            view.modified_at = Some(now);
        }
        if let Some(NamedCriteria { name, criteria }) = change.change_view {
            let view = view_mut(module, &name)?;
            view.criteria = criteria;
            view.modified_at = Some(now);
        }
        if let Some(named) = change.add_view {
            module.add_view(made(named, now));
        }
        if let Some(MarkedView { name, coql, bulk }) = change.mark_view {
            let view = view_mut(module, &name)?;
            view.coql = coql.unwrap_or(view.coql);
            view.bulk = bulk.unwrap_or(view.bulk);
        }
        if let Some(name) = change.delete_view {
            let id = view_mut(module, &name)?.id;
            module.views.retain(|view| view.id != id);
        }
        if let Some(Renamed { from, to }) = change.rename_field {
            let position = field(module, &from)?;
            module.rename_field(position, &to);
        }
        for (name, visible) in [(change.hide_field, false), (change.show_field, true)] {
            if let Some(name) = name {
                let position = field(module, &name)?;
                module.fields[position].visible = visible;
            }
        }
        Ok(())
    }

    /// That every condition of a view means something when it is made; later its fields may go.
    fn sensible(&self, api_name: &str, criteria: &Criteria) -> Result<(), EditError> {
        let module = self
            .module(api_name)
            .ok_or_else(|| EditError::Module(api_name.to_owned()))?;
        let Some((path, flaw)) = self.flaw(module, criteria) else {
            return Ok(());
        };
        Err(EditError::Value(match flaw {
            Flaw::Field => format!("module {api_name} has no field {path}: use its API name"),
            Flaw::Comparator => format!("the condition on {path} has a comparator there is not"),
            Flaw::Value => format!("the condition on {path} has a value that does not fit"),
        }))
    }
}

fn made(NamedCriteria { name, criteria }: NamedCriteria, now: Timestamp) -> View {
    View {
        system_name: None,
        criteria,
        modified_at: Some(now),
        ..View::of_all(&name, "")
    }
}

fn view_mut<'a>(module: &'a mut Module, name: &str) -> Result<&'a mut View, EditError> {
    let missing = EditError::View {
        module: module.api_name.clone(),
        view: name.to_owned(),
    };
    let mut views = module.views.iter_mut();
    views.find(|view| view.name == name).ok_or(missing)
}

fn field(module: &Module, name: &str) -> Result<usize, EditError> {
    module.position(name).ok_or_else(|| EditError::Field {
        module: module.api_name.clone(),
        field: name.to_owned(),
    })
}
