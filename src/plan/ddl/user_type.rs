//! Types that users define: CREATE TYPE, ALTER TYPE, DROP TYPE.

use crate::base::limits::{ENUM_LABELS_MAX, IDENTIFIER_BYTES_MAX};
use crate::base::{Oid, Result, SqlError, SqlState};
use crate::catalog::{EnumLabelDef, TypeDef, UserTypeDef, UserTypeKind, undefined_type};
use crate::plan::statement::{
    AlterEnum, AlterObject, CreateEnum, Drop, EnumAction, EnumPlace, ObjectAction, ObjectKind,
};
use crate::plan::{Name, TypeName};
use crate::types::{NamedType, first_places, place_between};

use super::domain::domains_over;
use super::draft::{Draft, NameKind};
use super::type_text;

impl Draft<'_> {
    /// The type that a statement names.
    ///
    /// # Errors
    /// 42704.
    pub(super) fn type_def(&self, name: &TypeName) -> Result<TypeDef> {
        let named = match name {
            TypeName::Known(ty) => return Ok(TypeDef::from(ty)),
            TypeName::User(named) => named,
        };
        let Name { schema, name } = &named.name;
        let path = self.context.search_path;
        let found = self
            .snapshot
            .type_named(schema.as_deref(), name, path)
            .ok_or_else(|| undefined_type(schema.as_deref(), name).with_position(named.position))?;
        match found {
            NamedType::Type(ty) if named.array => Ok(TypeDef::from(&ty.array())),
            NamedType::Domain(_) if named.array => {
                Err(SqlError::unsupported("arrays of domains are not supported")
                    .with_position(named.position))
            }
            found => Ok(TypeDef::from(found)),
        }
    }

    fn user_type(&self, name: &Name) -> Option<UserTypeDef> {
        let path = self.context.search_path;
        let found = self.snapshot.user_type_named(name.schema.as_deref(), &name.name, path)?;
        Some((**found).clone())
    }

    pub(super) fn own_user_type(&self, name: &Name) -> Result<UserTypeDef> {
        let found = self.user_type(name);
        let ty = found.ok_or_else(|| undefined_type(name.schema.as_deref(), &name.name))?;
        self.must_own(ty.owner, "type", &ty.name)?;
        Ok(ty)
    }

    /// Rows in flight look again at a type that is another one from now on.
    pub(super) fn touch_users(&mut self, ty: &UserTypeDef) -> Result<()> {
        let over = domains_over(self, ty.oid);
        let users = |table: &Oid| {
            self.table(*table).is_some_and(|table| {
                type_text::uses(table, ty)
                    || table.columns.iter().any(|column| over.contains(&column.ty.oid))
            })
        };
        let tables: Vec<Oid> = self.table_oids().into_iter().filter(users).collect();
        tables.into_iter().try_for_each(|table| self.touch(table))
    }

    /// Writes a type that is another one from now on.
    pub(super) fn change_user_type(&mut self, ty: &UserTypeDef) -> Result<()> {
        self.touch_users(ty)?;
        let key = self.context.keys.user_type(ty.oid);
        self.edit.put(key, ty)
    }

    /// Claims the names of a type and of its array.
    pub(super) fn claim_type(&mut self, schema: Oid, name: &str, ty: &UserTypeDef) -> Result<()> {
        let array = ty.array_name();
        let relation = self.holder(NameKind::Relation, schema, name);
        if self.holder(NameKind::Type, schema, name).is_some() || relation.is_some() {
            let message = format!("type \"{name}\" already exists");
            return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
        }
        self.claim(NameKind::Type, schema, name, ty.oid);
        if self.holder(NameKind::Type, schema, &array).is_none() {
            self.claim(NameKind::Type, schema, &array, ty.array);
        }
        Ok(())
    }

    fn release_type(&mut self, ty: &UserTypeDef) {
        self.release(NameKind::Type, ty.schema, &ty.name);
        let array = ty.array_name();
        if self.holder(NameKind::Type, ty.schema, &array) == Some(ty.array) {
            self.release(NameKind::Type, ty.schema, &array);
        }
    }
}

/// CREATE TYPE .. AS ENUM.
pub(super) fn create_enum(draft: &mut Draft<'_>, statement: &CreateEnum) -> Result<()> {
    let schema = draft.creation_schema(&statement.name)?;
    let (oid, array) = (draft.edit.oid(), draft.edit.oid());
    check_count(statement.labels.len())?;
    let mut labels: Vec<EnumLabelDef> = Vec::with_capacity(statement.labels.len());
    for (label, place) in statement.labels.iter().zip(first_places(statement.labels.len())) {
        check_label(label)?;
        if labels.iter().any(|known| known.label == *label) {
            // In PostgreSQL it is an index that finds out.
            const INDEX: &str = "pg_enum_typid_label_index";
            let message = format!("duplicate key value violates unique constraint \"{INDEX}\"");
            return Err(SqlError::new(SqlState::UNIQUE_VIOLATION, message)
                .with_detail(format!("Enum label \"{label}\" is used more than once."))
                .with_constraint(INDEX));
        }
        labels.push(EnumLabelDef { oid: draft.edit.oid(), label: label.clone(), place });
    }
    let ty = UserTypeDef {
        oid,
        array,
        schema,
        name: statement.name.name.clone(),
        owner: draft.context.role,
        comment: None,
        kind: UserTypeKind::Enum(labels),
    };
    draft.claim_type(schema, &ty.name, &ty)?;
    draft.edit.put(draft.context.keys.user_type(oid), &ty)
}

fn check_count(labels: usize) -> Result<()> {
    if labels > ENUM_LABELS_MAX {
        let message = format!("an enum can have at most {ENUM_LABELS_MAX} labels");
        return Err(SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message));
    }
    Ok(())
}

fn check_label(label: &str) -> Result<()> {
    if label.len() > IDENTIFIER_BYTES_MAX {
        let message = format!("invalid enum label \"{label}\"");
        let detail = format!("Labels must be {IDENTIFIER_BYTES_MAX} bytes or less.");
        return Err(SqlError::new(SqlState::INVALID_NAME, message).with_detail(detail));
    }
    Ok(())
}

/// ALTER TYPE .. ADD VALUE, RENAME VALUE.
pub(super) fn alter_enum(draft: &mut Draft<'_>, statement: &AlterEnum) -> Result<()> {
    let mut ty = draft.own_user_type(&statement.name)?;
    let UserTypeKind::Enum(labels) = &mut ty.kind else {
        let message = format!("\"{}\" is not an enum", ty.name);
        return Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message));
    };
    match &statement.action {
        EnumAction::Add { label, if_not_exists, place } => {
            check_label(label)?;
            if labels.iter().any(|known| known.label == *label) {
                let message = format!("enum label \"{label}\" already exists");
                if !if_not_exists {
                    return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
                }
                draft.notice(SqlState::DUPLICATE_OBJECT, format!("{message}, skipping"));
                return Ok(());
            }
            check_count(labels.len() + 1)?;
            let at = match place {
                None => labels.len(),
                Some(EnumPlace::Before(other)) => position(labels, other)?,
                Some(EnumPlace::After(other)) => position(labels, other)? + 1,
            };
            let before = at.checked_sub(1).and_then(|at| labels.get(at));
            let between = place_between(before.map(|l| l.place), labels.get(at).map(|l| l.place));
            let place = between.ok_or_else(|| {
                let message = format!("there is no room for a label beside \"{label}\"");
                SqlError::new(SqlState::PROGRAM_LIMIT_EXCEEDED, message)
                    .with_hint("Create another type and change the columns' types.")
            })?;
            let oid = draft.edit.oid();
            labels.insert(at, EnumLabelDef { oid, label: label.clone(), place });
        }
        EnumAction::Rename { from, to } => {
            check_label(to)?;
            let at = position(labels, from)?;
            if labels.iter().any(|known| known.label == *to) {
                let message = format!("enum label \"{to}\" already exists");
                return Err(SqlError::new(SqlState::DUPLICATE_OBJECT, message));
            }
            to.clone_into(&mut labels[at].label);
            type_text::rename_label(draft, &ty, (from, to))?;
        }
    }
    draft.change_user_type(&ty)
}

fn position(labels: &[EnumLabelDef], label: &str) -> Result<usize> {
    labels.iter().position(|known| known.label == label).ok_or_else(|| {
        let message = format!("\"{label}\" is not an existing enum label");
        SqlError::new(SqlState::INVALID_PARAMETER_VALUE, message)
    })
}

/// ALTER TYPE .. RENAME TO, OWNER TO, SET SCHEMA.
pub(super) fn alter(draft: &mut Draft<'_>, statement: &AlterObject) -> Result<()> {
    let before = draft.own_user_type(&statement.name)?;
    if statement.kind == ObjectKind::Domain {
        must_be_domain(&before)?;
    }
    let after = match &statement.action {
        ObjectAction::RenameTo(to) => UserTypeDef { name: to.clone(), ..before.clone() },
        ObjectAction::SetSchema(to) => {
            let target = Name::qualified(to, &*before.name);
            let schema = draft.creation_schema(&target)?;
            if schema == before.schema {
                return Ok(());
            }
            UserTypeDef { schema, ..before.clone() }
        }
        ObjectAction::OwnerTo(role) => {
            let owner = draft.role_named(role)?.oid;
            if owner != before.owner {
                draft.must_give(owner, Some(before.schema))?;
            }
            return give(draft, &before, owner);
        }
        _ => return Err(SqlError::unsupported("this change of a type is not supported")),
    };
    draft.release_type(&before);
    draft.claim_type(after.schema, &after.name, &after)?;
    let schema = draft.snapshot.schema_name(after.schema).to_owned();
    type_text::rename(draft, &before, &Name::qualified(schema, &*after.name))?;
    draft.change_user_type(&after)
}

/// Gives a type to a new owner.
pub(super) fn give(draft: &mut Draft<'_>, ty: &UserTypeDef, owner: Oid) -> Result<()> {
    let ty = UserTypeDef { owner, ..ty.clone() };
    draft.edit.put(draft.context.keys.user_type(ty.oid), &ty)
}

/// COMMENT ON TYPE.
pub(super) fn comment(draft: &mut Draft<'_>, name: &Name, text: Option<String>) -> Result<()> {
    let ty = UserTypeDef { comment: text, ..draft.own_user_type(name)? };
    draft.edit.put(draft.context.keys.user_type(ty.oid), &ty)
}

/// DROP TYPE.
pub(super) fn drop(
    draft: &mut Draft<'_>,
    Drop { kind, names, if_exists, cascade }: &Drop,
) -> Result<()> {
    let (if_exists, cascade) = (*if_exists, *cascade);
    for name in names {
        if let Some(schema) = &name.schema
            && draft.snapshot.schema(schema).is_none()
            && if_exists
        {
            let message = format!("schema \"{schema}\" does not exist, skipping");
            draft.notice(SqlState::INVALID_SCHEMA_NAME, message);
            continue;
        }
        let Some(ty) = draft.user_type(name) else {
            let error = undefined_type(name.schema.as_deref(), &name.name);
            if !if_exists {
                return Err(error);
            }
            draft.notice(SqlState::UNDEFINED_OBJECT, format!("{error}, skipping"));
            continue;
        };
        if *kind == ObjectKind::Domain {
            must_be_domain(&ty)?;
        }
        let schema = draft.snapshot.schemas.get(&ty.schema);
        if !schema.is_some_and(|schema| draft.access().has_role(schema.owner)) {
            draft.must_own(ty.owner, "type", &ty.name)?;
        }
        type_text::drop_users(draft, &ty, cascade)?;
        remove(draft, &ty);
    }
    Ok(())
}

fn must_be_domain(ty: &UserTypeDef) -> Result<()> {
    if ty.domain().is_some() {
        return Ok(());
    }
    let message = format!("\"{}\" is not a domain", ty.name);
    Err(SqlError::new(SqlState::WRONG_OBJECT_TYPE, message))
}

/// Removes a type that nothing uses any more.
pub(super) fn remove(draft: &mut Draft<'_>, ty: &UserTypeDef) {
    if draft.mark_dropped(ty.oid) {
        draft.release_type(ty);
    }
}
