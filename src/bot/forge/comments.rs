//! The one comment that is kept, and comments that are written once though answers get lost.

use jiff::Timestamp;

use super::patience::Waits;
use super::{Answer, PullId};

/// A comment.
pub(super) struct Note {
    pub id: u64,
    pub author: String,
    pub text: String,
}

impl Note {
    /// Line ends are the place's own, and so is what is at the end.
    fn says(&self, text: &str) -> bool {
        self.text.replace("\r\n", "\n").trim() == text.replace("\r\n", "\n").trim()
    }
}

/// What a place can do with comments.
pub(super) trait Notes: Sync {
    /// Whose comments are ours.
    fn ours(&self) -> impl Future<Output = Answer<String>> + Send;

    /// A comment; none, if it was deleted.
    fn note(&self, id: &PullId, note: u64) -> impl Future<Output = Answer<Option<Note>>> + Send;

    /// A page of them, the oldest first, and whether there is another.
    fn notes(&self, id: &PullId, page: usize) -> impl Future<Output = Answer<(Vec<Note>, bool)>> + Send;

    /// Those that were written since about then.
    fn recent(&self, id: &PullId, since: Timestamp) -> impl Future<Output = Answer<Vec<Note>>> + Send;

    /// Writes one; gives its id, or nothing when the answer was lost.
    fn write(&self, waits: &mut Waits, id: &PullId, text: &str) -> impl Future<Output = Answer<Option<u64>>> + Send;

    /// Edits one; false, if it was deleted.
    fn rewrite(&self, id: &PullId, note: u64, text: &str) -> impl Future<Output = Answer<bool>> + Send;
}

/// See [`super::Forge::keep_comment`]. A comment of somebody else is not ours whatever it says, else whoever plants the mark would have
/// us edit, or fail.
pub(super) async fn keep<P: Notes>(place: &P, mut waits: Waits, id: &PullId, mark: &str, text: &str, known: Option<u64>) -> Answer<u64> {
    let me = place.ours().await?;
    let ours = |note: &Note| note.author.eq_ignore_ascii_case(&me) && note.text.contains(mark);
    if let Some(known) = known
        && let Some(note) = place.note(id, known).await?.filter(ours)
        && (note.says(text) || place.rewrite(id, known, text).await?)
    {
        return Ok(known);
    }
    loop {
        // Looked for before each try: the last one may have been done though its answer was lost.
        if let Some(note) = marked(place, id, &ours).await?
            && (note.says(text) || place.rewrite(id, note.id, text).await?)
        {
            return Ok(note.id);
        }
        if let Some(written) = place.write(&mut waits, id, text).await? {
            return Ok(written);
        }
    }
}

async fn marked<P: Notes>(place: &P, id: &PullId, ours: &(impl Fn(&Note) -> bool + Sync)) -> Answer<Option<Note>> {
    for page in 1.. {
        let (notes, more) = place.notes(id, page).await?;
        let found = notes.into_iter().find(ours);
        if found.is_some() || !more {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Writes a comment once.
pub(super) async fn say<P: Notes>(place: &P, mut waits: Waits, id: &PullId, text: &str) -> Answer<()> {
    // Clocks differ; who says the same twice within two minutes is heard once, if an answer is lost besides.
    let since = Timestamp::now() - jiff::SignedDuration::from_mins(2);
    while place.write(&mut waits, id, text).await?.is_none() {
        let me = place.ours().await?;
        if place.recent(id, since).await?.iter().any(|note| note.author.eq_ignore_ascii_case(&me) && note.says(text)) {
            break;
        }
    }
    Ok(())
}
