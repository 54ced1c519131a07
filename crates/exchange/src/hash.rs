//! Maps for look-up only, never iterated but in the order of their keys. How they hash stays in memory: what is
//! kept for good is digested by [`hourbook_model::Digest`].

use foldhash::quality::FixedState;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hash::Hash;

/// A map for look-up. Its iteration order is nobody's business; [`pairs`] writes it sorted.
pub type Map<K, V> = hashbrown::HashMap<K, V, FixedState>;

/// Writes a map sorted by key, so that the same content has the same bytes.
pub mod pairs {
    use super::*;

    pub fn serialize<K, V, S>(map: &Map<K, V>, serializer: S) -> Result<S::Ok, S::Error>
    where
        K: Ord + Serialize,
        V: Serialize,
        S: Serializer,
    {
        let mut pairs: Vec<(&K, &V)> = map.iter().collect();
        pairs.sort_unstable_by_key(|pair| pair.0);
        pairs.serialize(serializer)
    }

    pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<Map<K, V>, D::Error>
    where
        K: Ord + Hash + DeserializeOwned,
        V: DeserializeOwned,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
