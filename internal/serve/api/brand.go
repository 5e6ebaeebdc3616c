package api

import (
	"context"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/access"
)

type brandBody struct {
	ID        brandRef  `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

func wireBrand(b overture.Brand) brandBody {
	return brandBody{ID: refTo(b.ID), Name: b.Name, CreatedAt: b.CreatedAt}
}

type createBrandInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200"`
	}
}

type brandOutput struct{ Body brandBody }

type brandsOutput struct{ Body page[brandBody] }

func (a *API) registerBrands() {
	register(a, access.BrandsRead, operation{Method: "GET", Path: "/v1/brands", Summary: "List brands", Tag: "account"}, a.listBrands)
	register(a, access.BrandsWrite, operation{
		Method: "POST", Path: "/v1/brands", Summary: "Create a brand", Tag: "account", Status: 201,
		Description: "Opt-outs hold for a brand, over all its numbers.",
	}, a.createBrand)
}

func (a *API) listBrands(ctx context.Context, who access.Identity, in *Paged) (*brandsOutput, error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	brands, err := a.deps.Accounts.Brands(ctx, who.AccountID, overture.BrandID(after), in.limit()+1)
	if err != nil {
		return nil, err
	}
	return &brandsOutput{Body: pageOf(brands, in.limit(), wireBrand, func(b overture.Brand) int64 { return int64(b.ID) })}, nil
}

func (a *API) createBrand(ctx context.Context, who access.Identity, in *createBrandInput) (*brandOutput, error) {
	b, err := a.deps.Accounts.CreateBrand(ctx, who.Actor(), in.Body.Name)
	if err != nil {
		return nil, err
	}
	return &brandOutput{Body: wireBrand(b)}, nil
}
