//! Planning one stack of a pull request.

use super::{Done, Server, Trouble};
use crate::bot::forge::PullId;
use crate::bot::store::{Row, Status, Work};

impl Server {
    /// Plans a stack as it is in that tree, unless something newer came meanwhile.
    pub(super) async fn plan(&self, id: &PullId, stack: &str, tree: &str, delivery: &str) -> Done {
        let Some(mut row) = self.due(id, stack, tree).await? else { return Ok(()) };
        let Some(seen) = self.store.seen(id).await? else { return Ok(()) };
        let checkout = self.checkouts.path(&id.repository, tree);
        if !checkout.exists() {
            // Another server may have made it, or this one lost it.
            if crate::bot::checkout::Checkouts::name(&seen.pull) != tree {
                return Ok(());
            }
            if let Err(said) = self.tree(&seen.pull).await? {
                return Err(Trouble::Never(said));
            }
        }
        row.status = Status::Planning;
        self.store.put(id, &row).await?;
        self.store.add_once(&Work::Tell(id.clone()), delivery).await?;
        let out = self.file(id, stack, "plan")?;
        let planned = self.runner(&id.repository).plan(&checkout, &row.project, &out, &self.stop).await;
        if self.stop.is_cancelled() {
            return Err(Trouble::Stopped);
        }
        // Whatever was planned of other commits is nobody's business any more.
        let Some(mut row) = self.due(id, stack, tree).await? else { return Ok(()) };
        match planned {
            Ok(digest) => {
                row.plan = Some(tokio::fs::read(&out).await.map_err(|e| Trouble::Later { why: e.to_string(), until: None })?);
                row.status = Status::Planned;
                row.said = String::new();
                row.digest = Some(digest);
            }
            Err(said) => {
                row.status = Status::Unplanned;
                row.said = said;
                row.digest = None;
                row.plan = None;
            }
        }
        let _kept_in_the_store = tokio::fs::remove_file(&out).await;
        self.store.put(id, &row).await?;
        Ok(self.store.add_once(&Work::Tell(id.clone()), delivery).await?)
    }

    /// The stack, if it is to be planned of that tree.
    async fn due(&self, id: &PullId, stack: &str, tree: &str) -> Done<Option<Row>> {
        let rows = self.store.rows(id).await?;
        let due = |row: &Row| row.stack == stack && row.tree == tree && matches!(row.status, Status::Waiting | Status::Planning);
        Ok(rows.into_iter().find(due))
    }

    /// A file of a stack of a pull request, in the server's own folder.
    pub(super) fn file(&self, id: &PullId, stack: &str, ending: &str) -> Done<std::path::PathBuf> {
        let plain = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
        let folder = self.data.join("plans").join(plain(&id.repository)).join(id.number.to_string());
        std::fs::create_dir_all(&folder).map_err(|e| Trouble::Later { why: format!("`{}`: {e}", folder.display()), until: None })?;
        Ok(folder.join(format!("{}.{ending}", plain(stack))))
    }
}
