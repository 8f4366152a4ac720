// The commands that build, push and show images.
package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"kubelambda.dev/cluster/internal/image"
	"kubelambda.dev/cluster/internal/layout"
)

func imageCommand(dir *string) *cobra.Command {
	command := &cobra.Command{Use: "image", Short: "build images and show those in the cluster's registry"}
	command.AddCommand(pushCommand(dir), listCommand(dir), inspectCommand(dir))
	return command
}

// pushFlags are those of `image push`, as typed.
type pushFlags struct {
	name, base          string
	folders, archives   []string
	entrypoint, command string
	settings            image.Settings
}

func pushCommand(dir *string) *cobra.Command {
	var f pushFlags
	command := &cobra.Command{
		Use:   "push --name NAME[:TAG] [--layer DIR:PREFIX]... [--layer-tar FILE]...",
		Short: "build an image from folders, push it and print its reference by digest",
		Args:  cobra.NoArgs,
		RunE: withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
			return push(c, l, f)
		}),
	}
	flags := command.Flags()
	flags.StringVar(&f.name, "name", "", "name and tag in the registry")
	flags.StringArrayVar(&f.folders, "layer", nil, "a layer from the folder DIR, whose content appears at PREFIX")
	flags.StringArrayVar(&f.archives, "layer-tar", nil, "a layer from a tar archive, below those of --layer")
	flags.StringVar(&f.base, "base", "", "image in the registry to add the layers to")
	flags.StringVar(&f.entrypoint, "entrypoint", "", "entry point, as a JSON list")
	flags.StringVar(&f.command, "cmd", "", "command, as a JSON list")
	flags.StringVar(&f.settings.WorkingDirectory, "workdir", "", "working directory")
	flags.StringArrayVar(&f.settings.Environment, "env", nil, "environment variable NAME=VALUE")
	flags.StringVar(&f.settings.User, "user", "", "user, and after a colon the group")
	_ = command.MarkFlagRequired("name") // fails only for a flag that does not exist
	return command
}

func push(c *cobra.Command, l layout.Layout, f pushFlags) error {
	store, err := image.OpenStore(c.Context(), l)
	if err != nil {
		return err
	}
	recipe, err := f.recipe(store)
	if err != nil {
		return err
	}
	built, err := image.Build(recipe)
	if err != nil {
		return err
	}
	reference, err := store.Push(f.name, built)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.OutOrStdout(), reference)
	return err
}

func (f pushFlags) recipe(store image.Store) (image.Recipe, error) {
	recipe := image.Recipe{Archives: f.archives, Settings: f.settings}
	for _, text := range f.folders {
		folder, err := image.ParseFolder(text)
		if err != nil {
			return recipe, fmt.Errorf("--layer: %w", err)
		}
		recipe.Folders = append(recipe.Folders, folder)
	}
	var err error
	if recipe.Settings.Entrypoint, err = parseList(f.entrypoint); err != nil {
		return recipe, fmt.Errorf("--entrypoint: %w", err)
	}
	if recipe.Settings.Command, err = parseList(f.command); err != nil {
		return recipe, fmt.Errorf("--cmd: %w", err)
	}
	if f.base != "" {
		if recipe.Base, err = store.Image(f.base); err != nil {
			return recipe, fmt.Errorf("--base: %w", err)
		}
	}
	return recipe, nil
}

func parseList(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	list := []string{}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("%q is not a JSON list of strings: %w", text, err)
	}
	return list, nil
}

func listCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "list the images in the registry with their digests",
		Args:  cobra.NoArgs,
		RunE: withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
			store, err := image.OpenStore(c.Context(), l)
			if err != nil {
				return err
			}
			return store.List(c.Context(), c.OutOrStdout())
		}),
	}
}

func inspectCommand(dir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "inspect REF",
		Short: "print manifest and configuration of an image in the registry",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return withLayout(dir, func(c *cobra.Command, l layout.Layout) error {
				store, err := image.OpenStore(c.Context(), l)
				if err != nil {
					return err
				}
				return store.Inspect(args[0], c.OutOrStdout())
			})(c, args)
		},
	}
}
