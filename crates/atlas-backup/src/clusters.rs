//! The clusters of a project that have backups.

use std::collections::BTreeSet;
use std::pin::pin;

use atlas_model::clusters::ListClusters;
use atlas_model::flex_clusters::ListFlexClusters;
use atlas_model::{ClusterName, Paged, ProjectId};
use futures_util::TryStreamExt;
use serde_json::Value;

use crate::about::{at_most, body};
use crate::backups::Backups;
use crate::error::Error;
use crate::kind::is_tenant;

impl Backups {
    /// Lists the clusters of a project that have backups, by name: dedicated ones, deleted ones
    /// whose backups Atlas keeps, and Flex clusters. Clusters of the shared tier, whose operations
    /// no longer exist, and clusters with backups disabled are left out.
    ///
    /// # Errors
    /// [`Error::Call`], [`Error::Unreadable`] if a cluster has no readable name.
    pub async fn clusters(&self, project: ProjectId) -> Result<Vec<ClusterName>, Error> {
        let mut names = BTreeSet::new();
        let mut list = ListClusters::new(project);
        list.include_deleted_with_retained_backups = Some(true);
        self.add_clusters(list, &mut names, |cluster| {
            !is_tenant(cluster) && cluster["backupEnabled"] != false
        })
        .await?;
        let flex = ListFlexClusters::new(project);
        self.add_clusters(flex, &mut names, |cluster| {
            cluster["backupSettings"]["enabled"] != false
        })
        .await?;
        Ok(names.into_iter().collect())
    }

    /// Adds the names of the clusters in a list that have backups.
    async fn add_clusters<O>(
        &self,
        list: O,
        names: &mut BTreeSet<ClusterName>,
        has_backups: impl Fn(&Value) -> bool,
    ) -> Result<(), Error>
    where
        O: Paged + Send + Sync,
        O::Item: Send,
    {
        let mut pages = pin!(self.client().pages(list));
        while let Some(page) = pages.try_next().await? {
            let body = body(&page)?;
            for cluster in body["results"].as_array().into_iter().flatten() {
                if !has_backups(cluster) {
                    continue;
                }
                let name = cluster["name"].as_str().and_then(|name| name.parse().ok());
                names.insert(name.ok_or(Error::Unreadable)?);
                at_most("clusters", names.len(), MOST)?;
            }
        }
        Ok(())
    }
}

/// The maximum number of clusters of a project.
const MOST: usize = 10_000;
